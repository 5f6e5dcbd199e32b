import { describe, expect, test } from "@jest/globals";
import { indexable } from "@engram/memory/contracts/indexable";
import { MemoryError } from "./errors.ts";
import type { Claimed, Embedder, Failure, Outbox, VectorIndex } from "./ports/index.ts";
import { workBatch } from "./work.ts";

/*
 * How each outcome is answered, by the smallest world that has one. What the stores make of the answers is tested over
 * real ones (packages/postgres/test/outbox.test.ts, services/all-in-one/test/provider.test.ts).
 */

const target = { name: "main", collection: { name: "c", model: "m", dims: 1 } };
const options = { batchSize: 64, leaseSeconds: 60, horizonSeconds: 300, attemptsMax: 8 };
const never = new AbortController().signal;

async function work(
  claims: readonly Partial<Claimed>[],
  given: {
    embed?: (texts: readonly string[]) => MemoryError | undefined;
    upsert?: () => MemoryError | undefined;
    isPast?: () => boolean;
    /** So many acknowledgements, and so many failures told, pass over everything, as if writers held the rows. */
    passedOver?: number;
  } = {},
) {
  const claimed = claims.map((one, i): Claimed => ({
    key: String(i),
    generation: 1,
    attempts: 1,
    inDoubt: false,
    alone: false,
    waitedSeconds: 0,
    requestId: null,
    ...one,
  }));
  const failures: Failure[] = [];
  const done: string[] = [];
  let acknowledgements = 0;
  let failuresTold = 0;
  const outbox: Outbox = {
    claim: () => Promise.resolve(claimed),
    acknowledge: (_topic, _token, keys) => {
      if (acknowledgements++ < (given.passedOver ?? 0)) return Promise.resolve({ gone: 0, kept: 0 });
      done.push(...keys.map((one) => one.key));
      return Promise.resolve({ gone: keys.length, kept: 0 });
    },
    fail: (_topic, _token, failed) => {
      if (failuresTold++ < (given.passedOver ?? 0)) return Promise.resolve(0);
      failures.push(...failed);
      return Promise.resolve(failed.length);
    },
    release: () => Promise.resolve(0),
    depth: () => Promise.resolve([]),
  };
  const settle = <T>(fault: MemoryError | undefined, value: T): Promise<T> =>
    fault === undefined ? Promise.resolve(value) : Promise.reject(fault);
  const embedder: Embedder = {
    model: "m",
    requestedDims: null,
    lexical: false,
    embed: (texts) => settle(given.embed?.(texts), { vectors: texts.map(() => [1]), tokens: 1 }),
  };
  const index: VectorIndex = {
    prepare: () => Promise.resolve(),
    publish: () => Promise.resolve(undefined),
    drop: () => Promise.resolve(),
    scan: () => Promise.resolve([]),
    inspect: () => Promise.resolve(undefined),
    fetchStates: () => Promise.resolve(new Map()),
    upsert: (_collection, points) =>
      settle(
        given.upsert?.(),
        points.map((point) => point.memory.id),
      ),
    setPayload: () => Promise.resolve([]),
    delete: () => Promise.resolve(),
    search: () => Promise.resolve([]),
    listTenant: () => Promise.resolve([]),
    ping: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const store = {
    readIndexable: (ids: readonly string[]) =>
      Promise.resolve(ids.map((id) => indexable({ id, content: `text ${id}` }))),
  };
  const isPast = given.isPast ?? (() => false);
  const deadlineAfter = () => ({ signal: never, isPast });
  const result = await workBatch({ outbox, store, index, embedder, deadlineAfter }, target, options, never);
  return { failures, done, troubled: result?.troubled };
}

const refusing =
  (text: string) =>
  (texts: readonly string[]): MemoryError | undefined =>
    texts.includes(text) ? new MemoryError("invalid", "The model provider refuses the input (400)") : undefined;

describe("workBatch", () => {
  test("a text that is refused is parked in the same claim, with the reason; its neighbours are done", async () => {
    const { failures, done } = await work([{}, {}, {}, {}], { embed: refusing("text 2") });
    expect(failures).toMatchObject([
      { key: "2", park: true, error: "invalid: The model provider refuses the input (400)", doubt: false },
    ]);
    expect(done).toEqual(["0", "1", "3"]);
  });

  test.each(["unavailable", "rate_limited"] as const)("%s parks nothing, however often it was so", async (code) => {
    const claims = [{ attempts: 1_000 }, { attempts: 1_000, alone: true }];
    const { failures, troubled } = await work(claims, { embed: () => new MemoryError(code, "later") });
    expect(failures.map((one) => one.park)).toEqual([false, false]);
    expect(troubled).toBe(true);
  });

  test("a process that slept past its deadline begins no effect, though no timer has told it yet", async () => {
    let [asleep, upserts] = [false, 0];
    const { failures, done } = await work([{}], {
      isPast: () => asleep,
      embed: () => void (asleep = true),
      upsert: () => void (upserts += 1),
    });
    expect(upserts).toBe(0);
    expect(done).toEqual([]);
    expect(failures).toMatchObject([{ key: "0", doubt: false, park: false }]);
  });

  test("a batch whose claim took half of its lease to be answered is given back unbegun", async () => {
    const { failures, done } = await work([{}, {}], { isPast: () => true });
    expect({ failures, done }).toEqual({ failures: [], done: [] });
  });

  test("what an acknowledgement passed over is acknowledged a moment later, not at the end of the lease", async () => {
    expect((await work([{}, {}], { passedOver: 2 })).done).toEqual(["0", "1"]);
  });

  test("so is a failure, which would wait as long", async () => {
    const { failures } = await work([{}], { passedOver: 2, upsert: () => new MemoryError("invalid", "refused") });
    expect(failures).toMatchObject([{ key: "0" }]);
  });

  test("a writer that does not end is not waited for", async () => {
    expect((await work([{}], { passedOver: 1_000 })).done).toEqual([]);
  });

  test("the pause that was asked for is kept, at any length", async () => {
    const { failures } = await work([{}], {
      embed: () => new MemoryError("rate_limited", "later", { retryAfterSeconds: 7_200 }),
    });
    expect(failures).toMatchObject([{ retryInSeconds: 7_200, park: false }]);
  });

  test("what the index refuses together is worked one by one at the next claim", async () => {
    const { failures } = await work([{}, {}], { upsert: () => new MemoryError("invalid", "refused") });
    expect(failures).toMatchObject([
      { retryInSeconds: 0, park: false },
      { retryInSeconds: 0, park: false },
    ]);
  });

  test("a row that fails by itself again and again is parked; attempts before a trouble of the world do not count", async () => {
    const broken = { upsert: () => new MemoryError("internal", "Internal error") };
    const parkedAt = async (given: Partial<Claimed>) => (await work([given], broken)).failures[0]?.park;
    expect(await parkedAt({ attempts: 7, alone: true })).toBe(false);
    expect(await parkedAt({ attempts: 8, alone: true })).toBe(true);
    expect(await parkedAt({ attempts: 8, alone: false })).toBe(false);
  });
});
