/**
 * `npm run bench:threshold`: does the guide's threshold of 0.7 do what its authors meant? Over memories and questions made by
 * hand (acceptance/recall), through the REST API: at least nine of ten right answers pass, and fewer than one of twenty
 * others. Exits with 1 when a goal is missed. Beside them a small Russian set that nothing was tuned to, asked in other words
 * than it is told in: shown and not judged.
 *
 * Offline embeddings; with --embeddings an OpenAI-compatible address as well, with its --model. A model is asked in the
 * languages that it knows (--languages).
 *
 * Options: --embeddings http://127.0.0.1:8377/v1 --model all-MiniLM-L6-v2 --languages english
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { KEY } from "./connection.ts";
import { startService } from "./processes.ts";
import { markdownTable, round } from "./statistics.ts";
import { until } from "./until.ts";

interface HandMade {
  readonly memories: readonly string[];
  readonly questions: readonly { readonly text: string; readonly evidence: readonly number[] }[];
}
interface Answer {
  readonly memories: readonly {
    readonly id: string;
    readonly relevance_score: number;
    readonly index_status: string;
  }[];
}

const THRESHOLD = 0.7;
const GOALS = { right: 0.9, others: 0.05 };
const ALL = 1_000;
/** Nothing was ever tuned to it: shown, and not judged. */
const HELD_OUT = "russian-held-out";

const { values } = parseArgs({
  options: {
    embeddings: { type: "string" },
    model: { type: "string", default: "all-MiniLM-L6-v2" },
    languages: { type: "string", default: "english" },
  },
});

const rows: (string | number)[][] = [];
let isMet = true;
const offline = await startService("all-in-one", {});
for (const language of ["russian", "english", HELD_OUT]) await measure("offline", offline.url, language);
await offline.stop();
if (values.embeddings !== undefined) {
  // A slow provider is not what is measured.
  const provider = { OPENAI_BASE_URL: values.embeddings, OPENAI_API_KEY: "sk-bench", SEARCH_DEADLINE_MS: "30000" };
  const service = await startService("all-in-one", { ...provider, EMBEDDING_MODEL: values.model });
  for (const language of values.languages.split(",")) await measure(values.model, service.url, language);
  await service.stop();
}
console.log(
  markdownTable(
    ["embedder", "set", "right answers at 0.7, %", "others, %", "questions with any other, %", "right one first, %"],
    rows,
  ),
);
process.exit(isMet ? 0 : 1);

async function measure(embedder: string, url: string, language: string): Promise<void> {
  const file = new URL(`../../acceptance/recall/${language}.json`, import.meta.url);
  const { memories, questions } = JSON.parse(readFileSync(file, "utf8")) as HandMade;
  const userId = `threshold-${language}`;
  const { results } = await ask<{ results: { id: string }[] }>(url, "/api/memories/bulk", {
    memories: memories.map((content) => ({ user_id: userId, content })),
  });
  await until("all memories to be in the index", async () => {
    const all = await ask<Answer>(url, "/api/memories/search", { user_id: userId, limit: ALL });
    return all.memories.every((memory) => memory.index_status === "indexed");
  });

  const passed = { right: 0, others: 0, first: 0, withOthers: 0 };
  const asked = { right: 0, others: 0 };
  for (const { text, evidence } of questions) {
    const answer = await ask<Answer>(url, "/api/memories/search", { user_id: userId, query: text, limit: ALL });
    const right = new Set(evidence.map((place) => results[place]?.id));
    const above = answer.memories.filter((memory) => memory.relevance_score >= THRESHOLD);
    const others = above.filter((memory) => !right.has(memory.id)).length;
    asked.right += right.size;
    asked.others += memories.length - right.size;
    passed.right += above.length - others;
    passed.others += others;
    passed.withOthers += others > 0 ? 1 : 0;
    passed.first += right.has(answer.memories[0]?.id) ? 1 : 0;
  }
  const [right, others] = [passed.right / asked.right, passed.others / asked.others];
  isMet &&= language === HELD_OUT || (right >= GOALS.right && others < GOALS.others);
  const shares = [right, others, passed.withOthers / questions.length, passed.first / questions.length];
  rows.push([embedder, `${language}, ${questions.length} questions`, ...shares.map((share) => round(share * 100))]);
}

async function ask<T>(url: string, path: string, body: object): Promise<T> {
  const answer = await fetch(url + path, {
    method: "POST",
    headers: { "x-api-key": KEY, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}
