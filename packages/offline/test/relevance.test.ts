import { describe, expect, test } from "@jest/globals";
import { calibrationFrom, cosineOf, fuse, lexicalScores, PROBE_TEXTS, scaleFor, type Vector } from "@engram/memory";
import { embed } from "@engram/test-equipment";
import { textHitsOf } from "../../memory/test/text-hits.ts";
import { createOfflineEmbedder } from "../src/index.ts";
import { LEXEMES } from "./lexemes.ts";
import { GUIDE, MEMORIES, QUESTIONS, UNANSWERED, type Question } from "./questions.ts";

type Embed = (texts: readonly string[]) => Promise<readonly Vector[]>;

/** The guide's threshold. */
const THRESHOLD = 0.7;
/** How far a score keeps from the threshold where the guide's own example is concerned. */
const MARGIN = 0.05;

const STAND_IN_DIMS = 1536;
const offline = createOfflineEmbedder();
const EMBEDDERS: readonly { name: string; embed: Embed }[] = [
  { name: offline.model, embed: async (texts) => (await offline.embed(texts, new AbortController().signal)).vectors },
  { name: "the stand-in's model", embed: (texts) => Promise.resolve(texts.map((text) => embed(text, STAND_IN_DIMS))) },
];

const lexemesOf = (text: string): readonly string[] =>
  (LEXEMES[text] ?? "").split(" ").filter((lexeme) => lexeme !== "");

type Score = (
  question: string,
  memories: readonly string[],
  arms?: { vectors: boolean },
) => ReadonlyMap<string, number>;

/** Searches a store of `memories` as the service does, and gives each memory's score by its text. */
async function scorer(embedTexts: Embed): Promise<Score> {
  const calibration = calibrationFrom(await embedTexts(PROBE_TEXTS));
  const texts = Object.keys(LEXEMES);
  const vectors = await embedTexts(texts);
  const vectorOf = new Map(texts.map((text, at) => [text, vectors[at] ?? []]));
  const cosine = (one: string, other: string) => cosineOf(vectorOf.get(one) ?? [], vectorOf.get(other) ?? []);
  return (question, memories, arms = { vectors: true }) => {
    const documents = memories.map((text) => ({ id: text, lexemes: lexemesOf(text) }));
    const textScores = lexicalScores(textHitsOf(lexemesOf(question), documents));
    const vectorHits = arms.vectors ? memories.map((id) => ({ id, cosine: cosine(question, id) })) : undefined;
    return new Map(
      fuse({ vectorHits, textScores, calibration: scaleFor(calibration, question), hasVector: () => false }).map(
        ({ id, score }) => [id, score],
      ),
    );
  };
}

const share = (values: readonly boolean[]): number => values.filter(Boolean).length / values.length;
const memoriesAt = (places: readonly number[]): readonly string[] => places.flatMap((place) => MEMORIES[place] ?? []);

/** The answers among two memories that answer nothing of the kind: a store of three, most often. */
function smallStore({ right, near = [] }: Question, seed: number): readonly string[] {
  const taken = new Set([...right, ...near]);
  const free = MEMORIES.map((_, place) => place).filter((place) => !taken.has(place));
  return memoriesAt([...right, free[(seed * 7) % free.length] ?? 0, free[(seed * 13 + 5) % free.length] ?? 0]);
}

describe.each(EMBEDDERS)("relevance with $name", ({ embed: embedTexts }) => {
  const questions = QUESTIONS.filter(({ byMeaning }) => byMeaning !== true);
  const stores: readonly { size: string; storeOf: (question: Question, seed: number) => readonly string[] }[] = [
    { size: "three memories", storeOf: smallStore },
    { size: "a hundred memories", storeOf: () => MEMORIES },
  ];

  test.each([
    { size: 3, others: [] },
    { size: 5, others: GUIDE.others },
    { size: 105, others: [...GUIDE.others, ...MEMORIES] },
  ])("the guide's notification memories pass 0.7 among $size, its stack and the others do not", async ({ others }) => {
    const scores = (await scorer(embedTexts))(GUIDE.question, [...GUIDE.right, ...GUIDE.wrong, ...others]);
    for (const text of GUIDE.right) expect(scores.get(text)).toBeGreaterThan(THRESHOLD + MARGIN);
    for (const text of GUIDE.wrong) expect(scores.get(text)).toBeLessThan(THRESHOLD - MARGIN);
    for (const text of others) expect(scores.get(text) ?? 0).toBeLessThan(THRESHOLD - MARGIN);
  });

  test("the guide's notification memories pass 0.7 by their words alone", async () => {
    const scores = (await scorer(embedTexts))(GUIDE.question, [...GUIDE.right, ...GUIDE.wrong], { vectors: false });
    expect([...scores].filter(([, score]) => score >= THRESHOLD).map(([text]) => text)).toEqual(
      expect.arrayContaining([...GUIDE.right]),
    );
    expect(scores.size).toBe(GUIDE.right.length);
  });

  test.each(stores)("nine of ten right answers pass 0.7 among $size", async ({ storeOf }) => {
    const score = await scorer(embedTexts);
    const passes = questions.map((question, seed) => {
      const scores = score(question.text, storeOf(question, seed));
      return memoriesAt(question.right).some((text) => (scores.get(text) ?? 0) >= THRESHOLD);
    });
    expect(share(passes)).toBeGreaterThanOrEqual(0.9);
  });

  test.each(stores)("98 of 100 unrelated memories stay below 0.7 among $size", async ({ storeOf }) => {
    const score = await scorer(embedTexts);
    const below = QUESTIONS.flatMap((question, seed) => {
      const store = storeOf(question, seed);
      const expected = new Set(memoriesAt([...question.right, ...(question.near ?? [])]));
      const scores = score(question.text, store);
      return store.filter((text) => !expected.has(text)).map((text) => (scores.get(text) ?? 0) < THRESHOLD);
    });
    expect(share(below)).toBeGreaterThanOrEqual(0.98);
  });

  test("a question without an answer finds nothing among a hundred, two times of three", async () => {
    const score = await scorer(embedTexts);
    const silent = UNANSWERED.map((text) => [...score(text, MEMORIES).values()].every((value) => value < THRESHOLD));
    expect(share(silent)).toBeGreaterThanOrEqual(2 / 3);
  });
});
