import { describe, expect, test } from "@jest/globals";
import type { Embedder } from "./ports/index.ts";
import { createQueryVectors } from "./query-vectors.ts";

/** Answers when it is let; counts its calls. */
function world() {
  const calls: string[] = [];
  const open: (() => void)[] = [];
  let fault: Error | undefined;
  const embedderOf = (model: string): Embedder => ({
    model,
    requestedDims: null,
    lexical: false,
    async embed(texts) {
      calls.push(...texts.map((text) => `${model}: ${text}`));
      await new Promise<void>((resolve) => open.push(resolve));
      if (fault !== undefined) throw fault;
      return { vectors: texts.map(() => [calls.length]), tokens: 1 };
    },
  });
  return {
    calls,
    embedderOf,
    answer: (error?: Error) => {
      fault = error;
      open.splice(0).forEach((resolve) => resolve());
    },
  };
}

describe("createQueryVectors", () => {
  test("a query that several ask at once is embedded once, and not again later", async () => {
    const { calls, embedderOf, answer } = world();
    const vectors = createQueryVectors({ timeoutMs: 1000 });
    const both = [vectors(embedderOf("m"), "чай"), vectors(embedderOf("m"), "чай")];
    answer();
    expect(await Promise.all(both)).toEqual([[1], [1]]);
    expect(await vectors(embedderOf("m"), "чай")).toEqual([1]);
    expect(calls).toEqual(["m: чай"]);
  });

  test("another query or model has its own", async () => {
    const { calls, embedderOf, answer } = world();
    const vectors = createQueryVectors({ timeoutMs: 1000 });
    const all = [vectors(embedderOf("m"), "чай"), vectors(embedderOf("m"), "кофе"), vectors(embedderOf("n"), "чай")];
    answer();
    await Promise.all(all);
    expect(calls).toEqual(["m: чай", "m: кофе", "n: чай"]);
  });

  test("a failure is everybody's who waits, and nobody's later", async () => {
    const { calls, embedderOf, answer } = world();
    const vectors = createQueryVectors({ timeoutMs: 1000 });
    const first = vectors(embedderOf("m"), "чай");
    answer(new Error("away"));
    await expect(first).rejects.toThrow("away");
    const second = vectors(embedderOf("m"), "чай");
    answer();
    expect(await second).toEqual([2]);
    expect(calls).toHaveLength(2);
  });

  test("what was asked longest ago goes first", async () => {
    const { calls, embedderOf, answer } = world();
    const vectors = createQueryVectors({ timeoutMs: 1000, keptMax: 2 });
    const ask = async (query: string) => {
      const vector = vectors(embedderOf("m"), query);
      answer();
      await vector;
    };
    for (const query of ["a", "b", "a", "c", "a", "b"]) await ask(query);
    expect(calls).toEqual(["m: a", "m: b", "m: c", "m: b"]);
  });
});
