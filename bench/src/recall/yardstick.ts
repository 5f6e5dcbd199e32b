/** The yardstick's data: dialogues with what is to be remembered of them, and questions with the turns that answer them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export type Form = "turns" | "facts";

export interface Dialogue {
  readonly userId: string;
  readonly memories: readonly DialogueMemory[];
  readonly questions: readonly Question[];
}

export interface DialogueMemory {
  /** `D1:3`, or `F0=D1:3,D1:4` for a statement that was drawn from turns. */
  readonly dia_id: string;
  readonly content: string;
  readonly session_id: string;
  /** Without a zone: UTC. */
  readonly session_date: string;
}

export interface Question {
  readonly qid: string;
  readonly question: string;
  readonly category: Category;
  /** The turns that are to be found. */
  readonly evidence: readonly string[];
}

export const CATEGORIES = ["multi-hop", "temporal", "open-domain", "single-hop", "adversarial"] as const;
export type Category = (typeof CATEGORIES)[number];

type Line = Record<string, unknown> & { kind: string; id?: string; conversation?: string };

/** Reads `locomo-dev-FORM.jsonl` of a folder, a JSON object on each line. */
export function readYardstick(folder: string, form: Form): readonly Dialogue[] {
  const lines = readFileSync(join(folder, `locomo-dev-${form}.jsonl`), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
  const of = (kind: string, id: unknown): readonly Line[] =>
    lines.filter((line) => line.kind === kind && line.conversation === id);
  return lines
    .filter((line) => line.kind === "conversation")
    .map((line) => ({
      userId: String(line["user_id"]),
      memories: of("memory", line.id) as unknown as readonly DialogueMemory[],
      questions: of("question", line.id).map((question): Question => {
        const category = CATEGORIES[Number(question["category"]) - 1];
        if (category === undefined) throw new Error(`a question of category ${String(question["category"])}`);
        return { ...(question as unknown as Question), category };
      }),
    }));
}
