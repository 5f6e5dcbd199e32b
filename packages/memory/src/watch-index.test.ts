import { describe, expect, test } from "@jest/globals";
import { MemoryError, type ErrorCode } from "./errors.ts";
import type { VectorIndex } from "./ports/index.ts";
import { watchIndex } from "./watch-index.ts";

const { signal } = new AbortController();
const collection = { name: "c", model: "m", dims: 4 };

function watch() {
  let fault: ErrorCode | undefined;
  const back: Date[] = [];
  const answer = async () => {
    if (fault !== undefined) throw new MemoryError(fault, "told by the test");
    return [];
  };
  const inner = { ping: answer, upsert: answer, search: answer } as unknown as VectorIndex;
  const index = watchIndex(inner, (since) => back.push(since));
  return {
    index,
    back,
    set fault(code: ErrorCode | undefined) {
      fault = code;
    },
  };
}

describe("watchIndex", () => {
  test("tells once that the index is back, and since when it was away", async () => {
    const watched = watch();
    await watched.index.ping(signal);
    const before = Date.now();
    watched.fault = "unavailable";
    await expect(watched.index.upsert(collection, [], signal)).rejects.toThrow();
    const after = Date.now();
    await expect(watched.index.ping(signal)).rejects.toThrow();
    expect(watched.back).toEqual([]);
    watched.fault = undefined;
    await watched.index.upsert(collection, [], signal);
    await watched.index.ping(signal);
    expect(watched.back).toHaveLength(1);
    expect(watched.back[0]?.getTime()).toBeGreaterThanOrEqual(before);
    expect(watched.back[0]?.getTime()).toBeLessThanOrEqual(after);
  });

  test("an index that refuses a value is there; a call that was given up says nothing", async () => {
    const watched = watch();
    watched.fault = "invalid";
    await expect(watched.index.ping(signal)).rejects.toThrow();
    watched.fault = "unavailable";
    await expect(watched.index.ping(AbortSignal.abort())).rejects.toThrow();
    watched.fault = undefined;
    await watched.index.ping(signal);
    expect(watched.back).toEqual([]);
  });
});
