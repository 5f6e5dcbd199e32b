import { describe, expect, test } from "@jest/globals";
import { indexable } from "@engram/memory/contracts/indexable";
import { embedPoints, type Embedded, type EmbedLimits } from "./embed-points.ts";
import { MemoryError } from "./errors.ts";
import type { Embedder, IndexPoint } from "./ports/index.ts";
import { contentHash } from "./text.ts";

const never = new AbortController().signal;

/** Points whose content is their number, or "poison" for those that are named. */
function points(count: number, poison: readonly number[] = []): readonly IndexPoint[] {
  return Array.from({ length: count }, (_, i) => {
    const content = poison.includes(i) ? `poison ${i}` : `text ${i}`;
    return { hash: contentHash(content), memory: indexable({ id: String(i), content }) };
  });
}

/** Refuses a call that has poison in it, as a provider does: the call as a whole. `fail` is asked before each call. */
function embedder(fail: (call: number, texts: readonly string[]) => MemoryError | undefined = () => undefined) {
  const calls: (readonly string[])[] = [];
  const asked: Embedder = {
    model: "m",
    requestedDims: null,
    lexical: false,
    embed(texts) {
      calls.push(texts);
      const fault =
        fail(calls.length, texts) ??
        (texts.some((text) => text.startsWith("poison")) ? new MemoryError("invalid", "refused (400)") : undefined);
      return fault === undefined
        ? Promise.resolve({ vectors: texts.map(() => [1]), tokens: 1 })
        : Promise.reject(fault);
    },
  };
  return { asked, calls };
}

async function collect(asked: Embedder, given: readonly IndexPoint[], limits: Partial<EmbedLimits> = {}) {
  const embedded: string[] = [];
  const parts: Embedded[] = [];
  for await (const part of embedPoints(asked, given, { deadline: never, stop: never, ...limits })) {
    parts.push(part);
    if ("vectors" in part) embedded.push(...part.vectors.map((point) => point.memory.id));
  }
  const failures = parts.flatMap((part) => ("failed" in part ? [part] : []));
  const failedIds = (code: string, alone: boolean) =>
    failures
      .filter((part) => part.error.code === code && part.alone === alone)
      .flatMap((part) => part.failed.map((point) => point.memory.id));
  return { embedded, failures, failedIds };
}

describe("embedPoints", () => {
  test("one call where nothing is wrong", async () => {
    const { asked, calls } = embedder();
    expect((await collect(asked, points(64))).embedded).toHaveLength(64);
    expect(calls).toHaveLength(1);
  });

  test.each([
    [64, [0]],
    [64, [63]],
    [64, [31, 32]],
    [7, [3]],
    [2, [1]],
    [64, [0, 9, 20, 41, 63]],
    [3, [0, 1, 2]],
  ])("of %i, the poison %j stands alone and every other is embedded", async (count, poison) => {
    const { asked } = embedder();
    const { embedded, failedIds } = await collect(asked, points(count, poison));
    expect(failedIds("invalid", true)).toEqual(poison.map(String));
    expect(embedded).toHaveLength(count - poison.length);
    expect(new Set(embedded).size).toBe(embedded.length);
  });

  test("one poison in 64 takes at most 14 calls, 11 in the mean", async () => {
    const counts: number[] = [];
    for (let poison = 0; poison < 64; poison++) {
      const { asked, calls } = embedder();
      await collect(asked, points(64, [poison]));
      counts.push(calls.length);
    }
    expect(Math.max(...counts)).toBeLessThanOrEqual(14);
    expect(counts.reduce((sum, count) => sum + count, 0) / counts.length).toBeLessThanOrEqual(11);
  });

  test("the reason is the refusal's own", async () => {
    const { asked } = embedder();
    const { failures } = await collect(asked, points(4, [2]));
    expect(failures).toMatchObject([{ error: { code: "invalid", message: "refused (400)" }, alone: true }]);
  });

  test.each(["rate_limited", "unavailable"] as const)(
    "%s at once is everybody's, and no further call is made",
    async (code) => {
      const fault = new MemoryError(code, "later", { retryAfterSeconds: 9 });
      const { asked, calls } = embedder(() => fault);
      const { failures } = await collect(asked, points(8));
      expect(calls).toHaveLength(1);
      expect(failures).toMatchObject([{ error: fault, alone: false }]);
    },
  );

  test("in the middle it ends the search for the poison: what is still suspected is worked one by one next time", async () => {
    // Refused together, the first half is taken, the first quarter of the second too; then the provider has had enough.
    const { asked, calls } = embedder((call) => (call === 4 ? new MemoryError("rate_limited", "later") : undefined));
    const { embedded, failedIds } = await collect(asked, points(8, [7]));
    expect(calls).toHaveLength(4);
    expect(embedded).toEqual(["0", "1", "2", "3", "4", "5"]);
    expect(failedIds("invalid", false)).toEqual(["6", "7"]);
  });

  test("who is no longer suspected then fails with the provider, not as suspect", async () => {
    const { asked } = embedder((call) => (call === 5 ? new MemoryError("rate_limited", "later") : undefined));
    const { embedded, failedIds } = await collect(asked, points(4, [0]));
    expect(failedIds("invalid", true)).toEqual(["0"]);
    expect(embedded).toEqual([]);
    expect(failedIds("rate_limited", false)).toEqual(["1", "2", "3"]);
  });

  test("an embedder that refuses every text has a fault of its own: none of them is at fault, and few calls tell", async () => {
    const { asked, calls } = embedder(() => new MemoryError("invalid", "refused (400)"));
    const { failedIds } = await collect(asked, points(64));
    expect(failedIds("unavailable", false)).toHaveLength(64);
    expect(calls.length).toBeLessThanOrEqual(3);
  });

  test("so has one that refuses a single text, unless another text tells that it is the text's fault", async () => {
    const refusing = embedder(() => new MemoryError("invalid", "refused (400)"));
    expect((await collect(refusing.asked, points(1))).failedIds("unavailable", false)).toEqual(["0"]);
    const { asked } = embedder();
    expect((await collect(asked, points(1, [0]))).failedIds("invalid", true)).toEqual(["0"]);
  });

  test.each(["deadline", "stop"] as const)("past the %s nothing is asked any more", async (end) => {
    const controller = new AbortController();
    const { asked, calls } = embedder((call) => {
      if (call === 2) controller.abort();
      return undefined;
    });
    const { embedded, failedIds } = await collect(asked, points(8, [7]), { [end]: controller.signal });
    expect(calls).toHaveLength(2);
    expect(embedded).toHaveLength(4);
    expect(failedIds("invalid", false)).toEqual(["4", "5", "6", "7"]);
  });

  test("too few vectors are the embedder's fault", async () => {
    const asked: Embedder = {
      model: "m",
      requestedDims: null,
      lexical: false,
      embed: () => Promise.resolve({ vectors: [[1]], tokens: 1 }),
    };
    expect((await collect(asked, points(2))).failedIds("unavailable", false)).toEqual(["0", "1"]);
  });
});
