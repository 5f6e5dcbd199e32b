import { afterEach, describe, expect, jest, test } from "@jest/globals";
import type { ProviderBudget, ProviderTurn, ProviderUse } from "@engram/memory";
import { Pace } from "./pace.ts";

const never = new AbortController().signal;
const ok = { outcome: "ok", tokens: 100, tokensEstimated: 100 };

function create(given: { turn?: ProviderTurn; limited?: boolean; waitMs?: number; broken?: boolean } = {}) {
  const asked = { reserved: [] as ProviderUse[], charged: [] as ProviderUse[], pauses: [] as number[], waits: 0 };
  const errors: unknown[] = [];
  const settle = <T>(value: T): Promise<T> =>
    given.broken === true ? Promise.reject(new Error("no database")) : Promise.resolve(value);
  const budget: ProviderBudget = {
    reserve(use) {
      asked.reserved.push(use);
      return settle(given.turn ?? { granted: true, waitMs: 0 });
    },
    charge(use) {
      asked.charged.push(use);
      return settle(undefined);
    },
    pause(seconds) {
      asked.pauses.push(seconds);
      return settle(undefined);
    },
    waitMs() {
      asked.waits += 1;
      return settle(given.waitMs ?? 0);
    },
  };
  const pace = new Pace({ budget, limited: given.limited ?? true, onError: (error) => errors.push(error) });
  return { pace, asked, errors };
}

describe("Pace", () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  test("work waits for its turn", async () => {
    const { pace } = create({ turn: { granted: true, waitMs: 60 } });
    const asked = performance.now();
    await pace.admit(10, never);
    expect(performance.now() - asked).toBeGreaterThan(55);
  });

  test("a turn that is too far away is no turn: rate_limited, with the time to come again", async () => {
    const { pace } = create({ turn: { granted: false, waitMs: 20_000 } });
    await expect(pace.admit(10, never)).rejects.toMatchObject({ code: "rate_limited", retryAfterSeconds: 20 });
    expect(await pace.waitMs()).toBeGreaterThan(19_000);
  });

  test("whoever waits for a turn stops at the deadline", async () => {
    const { pace } = create({ turn: { granted: true, waitMs: 2_900 } });
    const deadline = new AbortController();
    const admitted = pace.admit(10, deadline.signal);
    deadline.abort();
    await expect(admitted).rejects.toMatchObject({ code: "rate_limited" });
  });

  test("without a limit nobody asks the database: neither work nor searches nor what they used", async () => {
    jest.useFakeTimers();
    const { pace, asked } = create({ limited: false });
    await pace.admit(10, never);
    await pace.admitQuery(10);
    pace.settle({ ...ok, tokens: 500 }, { isQuery: false });
    await jest.advanceTimersByTimeAsync(1_000);
    expect(asked).toEqual({ reserved: [], charged: [], pauses: [], waits: 0 });
  });

  test("the query of a search waits for nothing; its charge goes out with those of others", async () => {
    jest.useFakeTimers();
    const { pace, asked } = create({ turn: { granted: false, waitMs: 600_000 } });
    await expect(pace.admit(10, never)).rejects.toMatchObject({ code: "rate_limited" });
    await Promise.all([pace.admitQuery(5), pace.admitQuery(7), pace.admitQuery(3)]);
    expect(asked.charged).toEqual([]);
    await jest.advanceTimersByTimeAsync(250);
    expect(asked.charged).toEqual([{ requests: 3, tokens: 15 }]);
  });

  test("what was used beyond the estimate is settled with the next turn, and so is what was not used", async () => {
    const { pace, asked } = create();
    pace.settle({ ...ok, tokens: 140 }, { isQuery: false });
    await pace.admit(100, never);
    await pace.admit(100, never);
    expect(asked.reserved).toMatchObject([{ requests: 1 }, { requests: 1 }]);
    const [settled, plain] = asked.reserved.map((one) => one.tokens);
    expect((settled ?? 0) - (plain ?? 0)).toBeCloseTo(40);
    pace.settle({ ...ok, tokens: 20 }, { isQuery: false });
    await pace.admit(100, never);
    expect(asked.reserved[2]?.tokens).toBeLessThan(100);
  });

  test("estimates come to what texts like these really take", async () => {
    const { pace, asked } = create();
    for (let i = 0; i < 30; i++) {
      await pace.admit(100, never);
      pace.settle({ ...ok, tokens: 50 }, { isQuery: false });
    }
    const total = asked.reserved.reduce((sum, use) => sum + use.tokens, 0);
    // All but the last call has been settled.
    expect(total).toBeGreaterThanOrEqual(30 * 50 - 1);
    expect(total).toBeLessThanOrEqual(30 * 50 + 1);
    expect(asked.reserved[29]?.tokens).toBeCloseTo(50, 0);
  });

  test("what a refused turn owed is owed still", async () => {
    jest.useFakeTimers();
    const { pace, asked } = create({ turn: { granted: false, waitMs: 3_100 } });
    pace.settle({ ...ok, tokens: 140 }, { isQuery: false });
    await pace.admit(10, never).catch(() => undefined);
    await jest.advanceTimersByTimeAsync(250);
    expect(asked.charged).toEqual([{ requests: 0, tokens: 40 }]);
  });

  test.each([
    ["with limits", true],
    ["without", false],
  ])(
    "a pause that work was told holds for all work at any length, and is told to everybody, %s",
    async (_n, limited) => {
      const { pace, asked } = create({ limited });
      pace.settle(
        { outcome: "rate_limited", tokens: 0, tokensEstimated: 9, retryAfterSeconds: 7_200 },
        { isQuery: false },
      );
      expect(asked.pauses).toEqual([7_200]);
      const told = { code: "rate_limited", retryAfterSeconds: expect.any(Number) };
      await expect(pace.admit(1, never)).rejects.toMatchObject(told);
      expect(await pace.waitMs()).toBeGreaterThan(7_190_000);
      await expect(pace.admitQuery(1)).resolves.toBeUndefined();
    },
  );

  test("a pause that a search was told holds for searches and for work", async () => {
    const { pace, asked } = create();
    pace.settle({ outcome: "rate_limited", tokens: 0, tokensEstimated: 9, retryAfterSeconds: 60 }, { isQuery: true });
    await expect(pace.admitQuery(1)).rejects.toMatchObject({ code: "rate_limited" });
    await expect(pace.admit(1, never)).rejects.toMatchObject({ code: "rate_limited" });
    expect(asked.pauses).toEqual([60]);
  });

  test("what another process was told is known within a second, and the database is asked no oftener", async () => {
    const { pace, asked } = create({ limited: false, waitMs: 600_000 });
    const waits = await Promise.all([pace.waitMs(), pace.waitMs(), pace.waitMs()]);
    expect(Math.max(...waits)).toBeGreaterThan(590_000);
    expect(await pace.waitMs()).toBeGreaterThan(590_000);
    expect(asked.waits).toBe(1);
    await expect(pace.admit(1, never)).rejects.toMatchObject({ code: "rate_limited" });
  });

  test("a pause is not forgotten for an answer that was asked for before it was told", async () => {
    const { pace, asked } = create({ limited: false });
    const waiting = pace.waitMs();
    pace.settle({ outcome: "rate_limited", tokens: 0, tokensEstimated: 9, retryAfterSeconds: 600 }, { isQuery: false });
    expect(await waiting).toBeGreaterThan(590_000);
    expect(asked.waits).toBe(1);
    await expect(pace.admit(1, never)).rejects.toMatchObject({ code: "rate_limited" });
  });

  test("a budget that cannot be asked stops nobody, and is told, once a second", async () => {
    const { pace, asked, errors } = create({ broken: true });
    await expect(pace.admit(10, never)).resolves.toBeUndefined();
    expect([await pace.waitMs(), await pace.waitMs()]).toEqual([0, 0]);
    expect(asked.waits).toBe(1);
    expect(errors).toHaveLength(2);
  });
});
