import { beforeEach, expect, test } from "@jest/globals";
import type { ProviderBudget } from "@engram/memory";
import { createProviderBudget } from "../src/index.ts";
import { describeOnDatabases } from "./databases.ts";

const patient = { patienceMs: 600_000 };
const call = { requests: 1, tokens: 0 };
/** Between two requests of a limit of one a minute, of which 95% are used. */
const SPACING_MS = 60_000 / 0.95;

/** Times are the database's and pass while a test runs: never more than a second of them, on any machine. */
function expectAbout(actualMs: number | undefined, expectedMs: number): void {
  expect(actualMs).toBeLessThanOrEqual(expectedMs + 0.001);
  expect(actualMs).toBeGreaterThan(expectedMs - 5_000);
}

describeOnDatabases("provider budget", (db) => {
  beforeEach(() => db.script("DELETE FROM engram.provider_budgets"));

  const create = (given: { requests?: number; tokens?: number; model?: string } = {}): ProviderBudget =>
    createProviderBudget(db, {
      provider: "api.example.com",
      model: given.model ?? "m",
      operation: "embed",
      requestsPerMinute: given.requests,
      tokensPerMinute: given.tokens,
    });

  test("the first turn is at once, the next ones evenly after it, whoever asks", async () => {
    const [one, other] = [create({ requests: 1 }), create({ requests: 1 })];
    expect(await one.reserve(call, patient)).toEqual({ granted: true, waitMs: 0 });
    expectAbout((await other.reserve(call, patient)).waitMs, SPACING_MS);
    expectAbout((await one.reserve(call, patient)).waitMs, 2 * SPACING_MS);
    expectAbout(await other.waitMs(), 3 * SPACING_MS);
  });

  test("of many who ask at once each has a turn of its own", async () => {
    const budget = create({ requests: 1 });
    const turns = await Promise.all(Array.from({ length: 8 }, () => budget.reserve(call, patient)));
    const inOrder = turns.map((turn) => turn.waitMs).toSorted((a, b) => a - b);
    for (const [i, waitMs] of inOrder.entries()) expectAbout(waitMs, i * SPACING_MS);
  });

  test("who is not patient enough takes nothing, and is told how long", async () => {
    const budget = create({ requests: 1 });
    await budget.reserve(call, patient);
    const turn = await budget.reserve(call, { patienceMs: 1_000 });
    expect(turn.granted).toBe(false);
    expectAbout(turn.waitMs, SPACING_MS);
    expectAbout((await budget.reserve(call, patient)).waitMs, SPACING_MS);
  });

  test("tokens are a limit of their own: a call larger than all of them is let through, and paid for afterwards", async () => {
    const budget = create({ tokens: 1_000 });
    expect(await budget.reserve({ requests: 1, tokens: 3_000 }, patient)).toEqual({ granted: true, waitMs: 0 });
    expectAbout((await budget.reserve({ requests: 1, tokens: 1 }, patient)).waitMs, 3 * SPACING_MS);
  });

  test("of the two limits the one that is longer in debt decides", async () => {
    const budget = create({ requests: 1, tokens: 1_000 });
    await budget.reserve({ requests: 1, tokens: 2_000 }, patient);
    expectAbout(await budget.waitMs(), 2 * SPACING_MS);
    // Requests do not save up for a burst meanwhile: they go on from the turn, but for a quarter of a second.
    const turn = await budget.reserve({ requests: 1, tokens: 0 }, patient);
    expectAbout(turn.waitMs, 2 * SPACING_MS);
    expectAbout((await budget.reserve({ requests: 1, tokens: 0 }, patient)).waitMs, 3 * SPACING_MS - 250);
  });

  test("what was estimated too high is given back", async () => {
    const budget = create({ tokens: 1_000 });
    await budget.reserve({ requests: 1, tokens: 3_000 }, patient);
    await budget.charge({ requests: 0, tokens: -2_000 });
    expectAbout(await budget.waitMs(), SPACING_MS);
  });

  test("a charge asks nobody and goes into debt, which is forgotten like the provider does: after a minute", async () => {
    const budget = create({ requests: 1 });
    await budget.charge(call);
    expectAbout(await budget.waitMs(), 60_000);
    for (let i = 0; i < 5; i++) await budget.charge(call);
    expectAbout(await budget.waitMs(), 60_000);
    for (let i = 0; i < 2; i++) await budget.reserve(call, patient);
    await budget.charge(call);
    expectAbout(await budget.waitMs(), 60_000 + 2 * SPACING_MS);
  });

  test("a pause holds for everybody, and a shorter one does not shorten it", async () => {
    const [one, other] = [create({ requests: 1_000_000 }), create({})];
    await one.pause(7_200);
    await other.pause(60);
    expectAbout(await other.waitMs(), 7_200_000);
    const turn = await other.reserve(call, { patienceMs: 3_000 });
    expect(turn.granted).toBe(false);
    expectAbout(turn.waitMs, 7_200_000);
  });

  test("another model has limits and pauses of its own", async () => {
    await create({ requests: 1 }).reserve(call, patient);
    await create({ requests: 1 }).pause(600);
    expect(await create({ requests: 1, model: "other" }).waitMs()).toBe(0);
  });

  test("without limits there is always a turn", async () => {
    const budget = create();
    for (let i = 0; i < 3; i++)
      expect(await budget.reserve({ requests: 1, tokens: 1_000_000 }, patient)).toEqual({ granted: true, waitMs: 0 });
    expect(await budget.waitMs()).toBe(0);
  });

  test("a budget that a crash of the database has emptied is made anew", async () => {
    const budget = create({ requests: 1 });
    await budget.reserve(call, patient);
    await db.script("DELETE FROM engram.provider_budgets");
    await budget.pause(60);
    expectAbout(await budget.waitMs(), 60_000);
    await db.script("DELETE FROM engram.provider_budgets");
    expect(await budget.reserve(call, patient)).toEqual({ granted: true, waitMs: 0 });
  });
});
