// Recall and scores on sets made by hand: inflected Russian with English words, names, numbers and codes in it; English; Chinese
// and Japanese phrases; and Russian that nothing was ever tuned to, asked in other words than it is told in.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { ids, indexed, search, unique, type Memory } from "../memories.ts";

interface Question {
  readonly text: string;
  /** Places of the memories that answer it. */
  readonly evidence: readonly number[];
}
interface HandMade {
  readonly memories: string[];
  readonly questions: Question[];
}
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));
const set = read("russian.json") as HandMade & { signs: string[]; phrases: Question[] };
const english = read("english.json") as HandMade;
const heldOut = read("russian-held-out.json") as HandMade & { readonly unanswered: string[] };

async function load(contents: readonly string[]): Promise<{ userId: string; memoryIds: readonly string[] }> {
  const userId = unique("recall");
  const memories = contents.map((content) => ({ user_id: userId, content }));
  const { status, body } = await api<{ results: { id: string }[] }>("POST", "/api/memories/bulk", {
    body: { memories },
  });
  expect(status).toBe(200);
  const memoryIds = body.results.map(({ id }) => id);
  await indexed(...memoryIds.map((id) => ({ id }) as Memory));
  return { userId, memoryIds };
}

/** The share of a question's evidence among the first `limit`. */
async function recall({ userId, memoryIds }: Awaited<ReturnType<typeof load>>, question: Question, limit: number) {
  const found = ids(await search({ user_id: userId, query: question.text, limit }));
  const hits = question.evidence.filter((place) => found.includes(memoryIds[place] ?? ""));
  return hits.length / question.evidence.length;
}

describe("recall", () => {
  let russian: Awaited<ReturnType<typeof load>>;
  let signs: Awaited<ReturnType<typeof load>>;
  beforeAll(async () => {
    [russian, signs] = [await load(set.memories), await load(set.signs)];
  });

  test("at least 90 of 100 Russian questions have their evidence among the first five", async () => {
    expect(set.memories.length).toBeGreaterThanOrEqual(60);
    expect(set.questions.length).toBeGreaterThanOrEqual(60);
    let sum = 0;
    const missed: string[] = [];
    for (const question of set.questions) {
      const share = await recall(russian, question, 5);
      sum += share;
      if (share < 1) missed.push(question.text);
    }
    if (sum / set.questions.length < 0.9) expect(missed).toEqual([]);
    expect(sum / set.questions.length).toBeGreaterThanOrEqual(0.9);
  });

  test.each(set.phrases)("the Chinese or Japanese phrase $text is found first", async (phrase) => {
    expect(await recall(signs, phrase, phrase.evidence.length)).toBe(1);
  });

  // What a lexical embedder gives where words differ, not what is wanted: floors a little below what was found when it was
  // written. Nothing is to be tuned to it.
  test("held out: questions in other words than the memories' find what they found", async () => {
    const { memories, questions, unanswered } = heldOut;
    const loaded = await load(memories);
    const passing = async (query: string) =>
      ids(await search({ user_id: loaded.userId, query, relevance_threshold: 0.7, limit: 1_000 }));
    expect([questions.length, unanswered.length]).toEqual([20, 10]);
    const found = { among5: 0, right: 0, others: 0, unanswered: 0 };
    for (const question of questions) {
      found.among5 += await recall(loaded, question, 5);
      const passed = await passing(question.text);
      const right = question.evidence.filter((place) => passed.includes(loaded.memoryIds[place] ?? "")).length;
      found.right += right / question.evidence.length;
      found.others += (passed.length - right) / (memories.length - question.evidence.length);
    }
    for (const text of unanswered) found.unanswered += (await passing(text)).length === 0 ? 1 : 0;
    // Found offline: 60% among five, 40% at 0.7, 0.3% others, nine of ten questions without an answer got none. The stand-in
    // of a provider knows no roots: 20% at 0.7.
    const { body } = await api<{ embedding_model: string }>("GET", "/api/memory/status");
    const rightFloor = body.embedding_model.startsWith("offline") ? 0.35 : 0.15;
    expect(found.among5 / questions.length).toBeGreaterThanOrEqual(0.55);
    expect(found.right / questions.length).toBeGreaterThanOrEqual(rightFloor);
    expect(found.others / questions.length).toBeLessThan(0.02);
    expect(found.unanswered / unanswered.length).toBeGreaterThanOrEqual(0.8);
  });

  // As bench:threshold, which takes a model as well.
  test.each([
    ["Russian", set],
    ["English", english],
  ])("at 0.7 nine of ten right answers pass, and not one of twenty others: %s", async (_, { memories, questions }) => {
    const { userId, memoryIds } = await load(memories);
    const passed = { right: 0, others: 0 };
    for (const { text, evidence } of questions) {
      const found = ids(await search({ user_id: userId, query: text, relevance_threshold: 0.7, limit: 1_000 }));
      const right = evidence.filter((place) => found.includes(memoryIds[place] ?? "")).length;
      passed.right += right / evidence.length;
      passed.others += (found.length - right) / (memories.length - evidence.length);
    }
    expect(passed.right / questions.length).toBeGreaterThanOrEqual(0.9);
    expect(passed.others / questions.length).toBeLessThan(0.05);
  });
});
