import { beforeEach, expect, test } from "@jest/globals";
import { ensureScheduled, MemoryError, runScheduled, SCHEDULE_TOPIC, type ScheduledJob } from "@engram/memory";
import { createMemoryStore, createOutbox, createSchedules } from "../src/index.ts";
import { describeOnDatabases } from "./databases.ts";
import { draft } from "./draft.ts";

const options = { leaseSeconds: 60, horizonSeconds: 300 };
const never = new AbortController().signal;

describeOnDatabases("schedules", (db) => {
  beforeEach(() => db.script("DELETE FROM engram.schedules; DELETE FROM engram.outbox"));

  const deps = () => ({ outbox: createOutbox(db), schedules: createSchedules(db) });
  const counting = (given: Partial<ScheduledJob> = {}): ScheduledJob & { states: unknown[] } => {
    const states: unknown[] = [];
    return {
      name: "count",
      everySeconds: 3600,
      step(state) {
        states.push(state);
        const n = typeof state === "number" ? state : 0;
        return Promise.resolve(n < 2 ? { done: false, state: n + 1 } : { done: true, result: { n } });
      },
      ...given,
      states,
    };
  };
  const run = (...jobs: readonly ScheduledJob[]) => runScheduled(deps(), jobs, options, never);
  const dueInSeconds = async () =>
    (
      await db.query<{ s: number }>(
        "SELECT extract(epoch FROM due_at - now())::float8 AS s FROM engram.outbox WHERE topic = $1",
        [SCHEDULE_TOPIC],
      )
    )[0]?.s;

  test("a job is due one period after it was made known, and again after each run", async () => {
    const job = counting();
    await ensureScheduled(deps(), [job]);
    await ensureScheduled(deps(), [job]);
    expect(await run(job)).toBeUndefined();
    expect(await dueInSeconds()).toBeGreaterThan(3500);
  });

  test("a shorter period counts at once, a longer one after the run that is due, and a lease is never cut", async () => {
    const job = counting();
    await ensureScheduled(deps(), [job]);
    await ensureScheduled(deps(), [{ ...job, everySeconds: 600 }]);
    await ensureScheduled(deps(), [job]);
    expect(await dueInSeconds()).toBeLessThanOrEqual(600);
    await deps().schedules.request("count");
    await deps().outbox.claim({ topic: SCHEDULE_TOPIC, limit: 1, token: crypto.randomUUID(), ...options });
    await ensureScheduled(deps(), [{ ...job, everySeconds: 1 }]);
    expect(await dueInSeconds()).toBeGreaterThan(50);
  });

  test("a run that is asked for later waits until then, and no longer than for the next one", async () => {
    const { schedules } = deps();
    await schedules.request("count", 1, { inSeconds: 600 });
    await schedules.request("count", 2, { inSeconds: 3600 });
    expect(await dueInSeconds()).toBeGreaterThan(500);
    expect(await dueInSeconds()).toBeLessThanOrEqual(600);
    expect(await schedules.get("count")).toMatchObject({ state: 2 });
    await schedules.request("count");
    expect(await dueInSeconds()).toBeLessThanOrEqual(0);
  });

  test("a run goes on from the state that its last step kept, and leaves a result", async () => {
    const job = counting();
    const { schedules } = deps();
    await schedules.request("count");
    expect(await run(job)).toMatchObject({ name: "count", outcome: "step" });
    expect(await schedules.get("count")).toMatchObject({ state: 1, finishedAt: null });
    expect(await run(job)).toMatchObject({ outcome: "step" });
    expect(await run(job)).toMatchObject({ outcome: "done", result: { n: 2 } });
    expect(job.states).toEqual([null, 1, 2]);
    expect(await schedules.get("count")).toMatchObject({
      state: null,
      result: { n: 2 },
      finishedAt: expect.any(Date),
    });
    expect(await run(job)).toBeUndefined();
    expect(await dueInSeconds()).toBeGreaterThan(3500);
  });

  test("a step whose lease was lost keeps nothing", async () => {
    const { schedules } = deps();
    await schedules.request("count");
    const job = counting({
      async step() {
        await db.query("UPDATE engram.outbox SET lease = gen_random_uuid() WHERE topic = $1", [SCHEDULE_TOPIC]);
        return { done: true, result: "mine" };
      },
    });
    expect(await run(job)).toMatchObject({ outcome: "lost" });
    expect(await schedules.get("count")).toMatchObject({ result: null, finishedAt: null });
  });

  test("what is asked for during a step is not put off by it, and its state stands", async () => {
    const { schedules } = deps();
    await schedules.request("count");
    const job = counting({
      async step() {
        await schedules.request("count", { from: "anew" });
        return { done: true, result: "first" };
      },
    });
    await run(job);
    expect(await schedules.get("count")).toMatchObject({ state: { from: "anew" }, result: "first" });
    expect(await dueInSeconds()).toBeLessThanOrEqual(0);
  });

  test("a failed step keeps the state, is tried again later and never parks", async () => {
    const { schedules, outbox } = deps();
    await schedules.request("count", 1);
    const job = counting({ step: () => Promise.reject(new MemoryError("invalid", "broken")) });
    expect(await run(job)).toMatchObject({ outcome: "failed", error: { code: "invalid" } });
    expect(await schedules.get("count")).toMatchObject({ state: 1 });
    expect(await dueInSeconds()).toBeGreaterThan(0);
    expect(await outbox.depth()).toEqual([]);
  });

  test("a job that this version does not know waits for one that does", async () => {
    await deps().schedules.request("of-the-future");
    expect(await run(counting())).toMatchObject({ name: "of-the-future", outcome: "failed" });
    expect(await dueInSeconds()).toBeGreaterThan(30);
  });

  test("the sweep deletes what has expired and nothing else, and the index is told", async () => {
    await createMemoryStore(db).putMemories([
      draft({ content: "прошло", expiresAt: new Date(Date.now() - 1000) }),
      draft({ content: "будет", expiresAt: new Date(Date.now() + 60_000) }),
      draft({ content: "всегда" }),
    ]);
    await db.script("DELETE FROM engram.outbox");
    expect(await createMemoryStore(db).sweepExpired()).toEqual({ deleted: 1, more: false });
    expect((await db.query("SELECT content FROM memories ORDER BY content")).map((row) => row["content"])).toEqual([
      "будет",
      "всегда",
    ]);
    expect(await createOutbox(db).depth()).toMatchObject([{ pending: 1 }]);
  });
});
