import { describe, expect, test } from "@jest/globals";
import { MemoryError } from "./errors.ts";
import type { KeptAnswer, KeptAnswers } from "./kept-answers.ts";
import { createOnce, isKeyTaken, keyOfItem, keyTaken } from "./once.ts";

const keyed = { key: "k", request: "r" };

/** Answers that are given one after the other, whatever is looked for. */
function answersOf(found: readonly (KeptAnswer | undefined)[]): KeptAnswers & { looks: number } {
  const answers = {
    looks: 0,
    find: ([key = ""]: readonly string[]) => {
      const answer = found[Math.min(answers.looks++, found.length - 1)];
      return Promise.resolve(new Map(answer === undefined ? [] : [[key, answer]]));
    },
  };
  return answers as unknown as KeptAnswers & { looks: number };
}

const done = (deleted: number): KeptAnswer => ({ request: "r", state: "done", result: { deleted, settled: false } });
const never = (): Promise<number> => Promise.reject(new Error("must not run"));
const toDeleted = ({ deleted }: { deleted?: number }): number => deleted ?? -1;

describe("createOnce", () => {
  test("without a key it is the write alone", async () => {
    const answers = answersOf([done(1)]);
    expect(await createOnce(answers)(undefined, () => Promise.resolve(2), toDeleted)).toEqual({
      result: 2,
      replayed: false,
    });
    expect(answers.looks).toBe(0);
  });

  test("what is kept is given again, and nothing is written", async () => {
    expect(await createOnce(answersOf([done(1)]))(keyed, never, toDeleted)).toEqual({ result: 1, replayed: true });
  });

  test("a write that was begun is gone on with", async () => {
    const answers = answersOf([{ request: "r", state: "begun", result: { settled: false } }]);
    expect(await createOnce(answers)(keyed, () => Promise.resolve(2), toDeleted)).toEqual({
      result: 2,
      replayed: false,
    });
  });

  test.each([
    ["key_reused", { ...done(1), request: "other" }],
    ["not_found", { ...done(1), state: "gone" as const }],
  ])("%s, naming the header", async (code, kept) => {
    await expect(createOnce(answersOf([kept]))(keyed, never, toDeleted)).rejects.toMatchObject({
      code,
      details: [{ field: "Idempotency-Key" }],
    });
  });

  test("who loses the race for the key gives the winner's answer", async () => {
    const answers = answersOf([undefined, done(1)]);
    const lose = (): Promise<number> => Promise.reject(keyTaken(new Error("23505")));
    expect(await createOnce(answers)(keyed, lose, toDeleted)).toEqual({ result: 1, replayed: true });
  });

  test("a key that is neither free nor answered for is a conflict that says when to come again", async () => {
    const lose = (): Promise<number> => Promise.reject(keyTaken(new Error("23505")));
    await expect(createOnce(answersOf([undefined]))(keyed, lose, toDeleted)).rejects.toMatchObject({
      code: "conflict",
      retryAfterSeconds: 1,
    });
  });

  test("equal ones at once are one write, and a failure is everyone's; then the key is free", async () => {
    const once = createOnce(answersOf([undefined]));
    let writes = 0;
    const write = (): Promise<number> => Promise.resolve(++writes);
    const all = await Promise.all([1, 2, 3].map(() => once(keyed, write, toDeleted)));
    expect(all).toEqual([false, true, true].map((replayed) => ({ result: 1, replayed })));
    const fail = (): Promise<number> => Promise.reject(new MemoryError("unavailable", "away"));
    const failed = await Promise.allSettled([1, 2].map(() => once(keyed, fail, toDeleted)));
    expect(failed.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await once(keyed, write, toDeleted)).toEqual({ result: 2, replayed: false });
  });

  test("another request under a key that is under way is refused at once", async () => {
    const once = createOnce(answersOf([undefined]));
    let finish = (_value: number): void => undefined;
    const first = once(keyed, () => new Promise<number>((resolve) => (finish = resolve)), toDeleted);
    await expect(once({ ...keyed, request: "other" }, never, toDeleted)).rejects.toMatchObject({ code: "key_reused" });
    finish(1);
    await first;
  });
});

test("a conflict over a text is none over the key", () => {
  expect(isKeyTaken(keyTaken(new Error("23505")))).toBe(true);
  expect(isKeyTaken(new MemoryError("conflict", "Another memory already holds this text or key"))).toBe(false);
});

test("each item of a bulk has a key of its own, the same in every run", () => {
  const keys = [0, 1, 2].map((index) => keyOfItem(keyed, index).key);
  expect(new Set([...keys, keyed.key]).size).toBe(4);
  expect(keyOfItem(keyed, 1)).toEqual({ key: keys[1], request: "r", idOnly: true });
});
