import { describe, expect, test } from "@jest/globals";
import type { Schedule } from "./ports/index.ts";
import { newReconcileRun } from "./reconcile-report.ts";
import { requestReconcile, startReconcile } from "./request-reconcile.ts";

const now = new Date("2026-01-01T12:00:00Z");
const ago = (seconds: number): Date => new Date(now.getTime() - seconds * 1000);
const run = (given: object = {}) => ({ ...newReconcileRun({ dryRun: false }), ...given });
const result = (given: object = {}) => ({ id: "x", dry_run: false, seconds: 10, targets: {}, ...given });

async function ask(since: Date, schedule?: Partial<Schedule>) {
  const requested: { state: unknown; inSeconds: number | undefined }[] = [];
  const answer = await requestReconcile(
    {
      get: async () =>
        schedule === undefined
          ? undefined
          : { name: "reconcile", state: null, finishedAt: null, result: null, ...schedule },
      request: async (_name, state, options) => {
        requested.push({ state, inSeconds: options?.inSeconds });
      },
    },
    { since, now },
  );
  return { answer, requested };
}

describe("requestReconcile", () => {
  test("at once when there was never a run, or none of late", async () => {
    for (const schedule of [undefined, { result: result(), finishedAt: ago(3600) }]) {
      const { answer, requested } = await ask(now, schedule);
      expect(answer).toBe(true);
      expect(requested).toMatchObject([{ state: { dry_run: false, started_at: null }, inSeconds: 0 }]);
    }
  });

  test("some minutes after the last one, however often it is asked for", async () => {
    const { requested } = await ask(ago(1), { result: result(), finishedAt: ago(100) });
    expect(requested).toMatchObject([{ inSeconds: 200 }]);
  });

  test("not at all when one has begun since and ended, or is asked for", async () => {
    expect(await ask(ago(20), { result: result({ seconds: 10 }), finishedAt: ago(5) })).toEqual({
      answer: true,
      requested: [],
    });
    expect(await ask(ago(20), { state: run() })).toEqual({ answer: true, requested: [] });
    expect(await ask(ago(20), { state: run({ started_at: ago(10).toISOString() }) })).toEqual({
      answer: true,
      requested: [],
    });
  });

  test("later when one from before is under way: it has compared a part already", async () => {
    const started = { state: run({ started_at: ago(60).toISOString() }) };
    expect(await ask(ago(20), started)).toEqual({ answer: false, requested: [] });
  });

  test("a dry run is no run", async () => {
    expect(await ask(ago(20), { state: run({ dry_run: true }) })).toEqual({ answer: false, requested: [] });
    const { requested } = await ask(ago(20), { result: result({ dry_run: true }), finishedAt: ago(5) });
    expect(requested).toHaveLength(1);
  });
});

describe("startReconcile", () => {
  const start = async (dryRun: boolean, state: unknown = null) => {
    const requested: unknown[] = [];
    const started = await startReconcile(
      {
        get: async () => ({ name: "reconcile", state, finishedAt: null, result: null }),
        request: async (_name, given) => {
          requested.push(given);
        },
      },
      { dryRun },
    );
    return { started, requested };
  };

  test("a new run, at once", async () => {
    const { started, requested } = await start(true);
    expect(started).toMatchObject({ dry_run: true, started_at: null });
    expect(requested).toEqual([started]);
  });

  test("one of its kind that is under way goes on, one of the other kind gives way", async () => {
    const standing = run();
    expect(await start(false, standing)).toEqual({ started: standing, requested: [undefined] });
    expect((await start(true, standing)).requested).toMatchObject([{ dry_run: true }]);
  });
});
