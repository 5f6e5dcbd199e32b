// Recall on a hand-made set: inflected Russian with English words, names, numbers and codes in it; Chinese and Japanese phrases.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { ids, indexed, search, unique, type Memory } from "../memories.ts";

interface Question {
  readonly text: string;
  /** Places of the memories that answer it. */
  readonly evidence: readonly number[];
}
const set = JSON.parse(readFileSync(new URL("russian.json", import.meta.url), "utf8")) as {
  memories: string[];
  questions: Question[];
  signs: string[];
  phrases: Question[];
};

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
});
