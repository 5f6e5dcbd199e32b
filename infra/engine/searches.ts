/** Memories to be lost, and a hundred questions that tell whether they are back. */
import { ask } from "./stack.ts";

export interface Question {
  readonly user_id: string;
  readonly query: string;
}

export interface Difference {
  readonly question: Question;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

interface Answer {
  readonly memories: readonly { readonly id: string; readonly relevance_score: number }[];
  readonly degraded?: readonly { readonly code: string }[];
}

const USERS = 10;
const MEMORIES_PER_USER = 20;
const QUESTIONS = 100;
const WAIT_SECONDS = 30;
/** The drill runs without a key of OpenAI, and every answer says so. */
const WITHOUT_PROVIDER = "lexical_embeddings";
const SUBJECTS = ["coffee", "the sea", "trains", "chess", "gardening", "jazz", "winter", "maps", "bread", "astronomy"];
const TRAITS = [
  "prefers",
  "avoids",
  "asked about",
  "collects notes on",
  "is teaching a friend",
  "writes letters about",
];

/** Two hundred sentences of ten users, no two alike. */
export function drillMemories(): { user_id: string; content: string; type: string }[] {
  return Array.from({ length: USERS * MEMORIES_PER_USER }, (_, i) => {
    const [user, turn] = [i % USERS, Math.floor(i / USERS)];
    const subject = SUBJECTS[(user + turn) % SUBJECTS.length] ?? "";
    const trait = TRAITS[(user * 3 + turn) % TRAITS.length] ?? "";
    return {
      user_id: `drill-${user}`,
      content: `The user ${trait} ${subject} on day ${turn + 1} of the month`,
      type: "fact",
    };
  });
}

/** A hundred questions, of every user as many. */
export function drillQuestions(): Question[] {
  return Array.from({ length: QUESTIONS }, (_, i) => ({
    user_id: `drill-${i % USERS}`,
    query: `What about ${SUBJECTS[Math.floor(i / USERS) % SUBJECTS.length] ?? ""} on day ${(i % MEMORIES_PER_USER) + 1}?`,
  }));
}

/** Writes the memories and waits until each is found by its meaning. */
export async function writeMemories(key: string): Promise<void> {
  for (const memory of drillMemories()) {
    const body = { ...memory, wait: WAIT_SECONDS };
    const { index_status } = (await ask(key, "POST", "/api/memories", body)) as { index_status?: string };
    if (index_status !== "indexed") throw new Error(`A memory is ${index_status} after ${WAIT_SECONDS} s`);
  }
}

/** What is found, ids with scores in their order, and what the answer had to do without. */
export async function search(key: string, question: Question): Promise<{ found: string[]; lacks: string[] }> {
  const { memories, degraded = [] } = (await ask(key, "POST", "/api/memories/search", question)) as Answer;
  return {
    found: memories.map(({ id, relevance_score }) => `${id} ${relevance_score.toFixed(4)}`),
    lacks: degraded.map(({ code }) => code).filter((code) => code !== WITHOUT_PROVIDER),
  };
}

/** What each question finds: in their order. */
export async function askAll(key: string): Promise<string[][]> {
  const answers: string[][] = [];
  for (const question of drillQuestions()) {
    const { found, lacks } = await search(key, question);
    answers.push([...found, ...lacks.map((code) => `lacks: ${code}`)]);
  }
  return answers;
}

/** The questions whose answers are not the same: other memories, another order, other scores. */
export function compareAnswers(before: readonly string[][], after: readonly string[][]): Difference[] {
  return drillQuestions().flatMap((question, i) => {
    const [one, other] = [before[i] ?? [], after[i] ?? []];
    return JSON.stringify(one) === JSON.stringify(other) ? [] : [{ question, before: one, after: other }];
  });
}
