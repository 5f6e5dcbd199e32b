import { beforeEach, describe, expect, test } from "@jest/globals";
import {
  catchUpVersions,
  countDifferences,
  MemoryError,
  newReconcileRun,
  reconcileStatus,
  reconcileStep,
  type StepBudget,
} from "@engram/memory";
import { id, plenty, target, World } from "./reconcile-world.ts";

const never = new AbortController().signal;
const hurried: StepBudget = { signal: never, spent: () => true };

describe("reconcile", () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });

  const plantEachKind = (): void => {
    for (let n = 1; n <= 6; n++) world.add(n);
    for (const n of [1, 2, 6, 9]) world.put(n); // 3 is missing, 9 an orphan
    world.put(4, { version: 2 });
    world.put(5, { tenant: "other" });
    world.put(8, { version: 1 });
  };

  test("each kind is counted and gets a work row, nothing is repaired, and a run after the workers finds nothing", async () => {
    plantEachKind();
    const { targets } = await world.run();
    expect(targets["main"]).toEqual({
      rows: 6,
      points: 7,
      missing: 1,
      stale: 1,
      orphan: 2,
      wrong_tenant: 1,
      wrong_dimension: 0,
      pending: 0,
      parked: 0,
      touched: 5,
    });
    expect([...world.work.keys()]).toEqual([3, 4, 5, 8, 9].map(id));
    expect(world.compared).toBe(6);
    world.converge();
    const after = await world.run();
    expect(countDifferences(after)).toBe(0);
    expect(after.targets["main"]).toMatchObject({ rows: 6, points: 6, touched: 0 });
  });

  test("a dry run counts the same and touches nothing", async () => {
    plantEachKind();
    const report = await world.run(plenty, newReconcileRun({ dryRun: true }));
    expect(report).toMatchObject({
      dry_run: true,
      targets: { main: { missing: 1, stale: 1, orphan: 2, wrong_tenant: 1, touched: 0 } },
    });
    expect(world.work.size).toBe(0);
  });

  test("what has work already is on its way, what is parked waits for somebody: neither is touched", async () => {
    plantEachKind();
    world.work.set(id(3), "waiting");
    world.work.set(id(4), "parked");
    expect((await world.run()).targets["main"]).toMatchObject({
      missing: 0,
      stale: 0,
      pending: 1,
      parked: 1,
      orphan: 2,
      wrong_tenant: 1,
      touched: 3,
    });
    expect(world.work.get(id(4))).toBe("parked");
  });

  test("an expired row is the sweep's: its point is no orphan", async () => {
    world.add(1, { expired: true });
    world.put(1);
    world.add(2, { expired: true });
    expect((await world.run()).targets["main"]).toMatchObject({ pending: 1, orphan: 0, missing: 0, touched: 0 });
  });

  test("a target that fills gets its rows' work without our help; what is wrong in it is touched", async () => {
    plantEachKind();
    world.targets = [target({ state: "filling", filledAt: null })];
    expect((await world.run()).targets["main"]).toMatchObject({
      missing: 0,
      pending: 1,
      stale: 1,
      orphan: 2,
      touched: 4,
    });
    world.work.clear();
    world.targets = [target({ state: "filling" })];
    expect((await world.run()).targets["main"]).toMatchObject({ missing: 1, pending: 0 });
  });

  describe("what changes while it is looked at is no difference", () => {
    test("between the two sides", async () => {
      world.add(1);
      world.put(1, { version: 0 }); // as its row was a moment ago; a worker has made them agree since
      world.afterScan = () => world.put(1);
      expect((await world.run()).targets["main"]).toMatchObject({ stale: 0, pending: 0, touched: 0 });
    });

    test.each(["run", "dry run"])("between the second look at the row and that at its point: %s", async (kind) => {
      world.add(1);
      world.put(1);
      world.add(2);
      let examined = 0;
      world.afterExamine = () => {
        // A write and its worker: the row is of another version, its point too, and its work is done.
        if (++examined > 1) return;
        world.add(2, { version: 500 });
        world.put(2, { version: 400 });
      };
      const report = await world.run(plenty, newReconcileRun({ dryRun: kind === "dry run" }));
      expect(report.targets["main"]).toMatchObject({ missing: 0, stale: 0, pending: 1, touched: 0 });
    });

    test("after the look at its point: its work is made by whoever changed it", async () => {
      world.add(1);
      world.afterFetch = () => {
        world.add(1, { version: 500 });
        world.work.set(id(1), "waiting");
      };
      expect((await world.run()).targets["main"]).toMatchObject({ missing: 0, pending: 1, touched: 0 });
    });
  });

  describe("in steps", () => {
    const N = 2_500;
    beforeEach(() => {
      for (let n = 1; n <= N; n++) {
        world.add(n);
        if (n % 10 !== 0) world.put(n);
      }
      for (let n = N + 1; n <= N + 1_500; n++) world.put(n);
    });

    test("a run that stops after every page comes to the same end", async () => {
      expect((await world.run(hurried)).targets["main"]).toMatchObject({
        rows: N,
        points: N - N / 10 + 1_500,
        missing: N / 10,
        orphan: 1_500,
        touched: N / 10 + 1_500,
      });
    });

    test("a step that died with its process is done again: what it touched is pending, and nothing is left out", async () => {
      const start = newReconcileRun({ dryRun: false });
      const first = await reconcileStep(world.deps, start, hurried);
      await reconcileStep(world.deps, start, hurried); // the state of the first was never kept
      const touched = world.work.size;
      expect(first.done).toBe(false);
      expect(touched).toBeGreaterThan(0);
      const report = await world.run(hurried, start);
      expect(report.targets["main"]).toMatchObject({ pending: touched, missing: N / 10 - touched, orphan: 1_500 });
      expect(world.work.size).toBe(N / 10 + 1_500);
    });

    test("every target is compared, one after the other; one that came or went meanwhile does no harm", async () => {
      world.targets = [
        target(),
        target({ name: "next", state: "filling", model: "n" }),
        target({ name: "new", model: null }),
      ];
      let state: unknown = newReconcileRun({ dryRun: true });
      const first = await reconcileStep(world.deps, state, hurried);
      if (first.done) throw new Error("too fast");
      state = first.state;
      world.targets = world.targets.slice(1);
      const report = await world.run(hurried, state);
      expect(report.targets["next"]).toMatchObject({ rows: N, orphan: 1_500 });
      expect(Object.keys(report.targets)).toEqual(["main", "next"]);
    });

    test("a side that is out of order ends the step, not the index", async () => {
      const { deps } = world;
      const shuffled = {
        ...deps,
        index: {
          ...deps.index,
          scan: async () => [
            { id: id(2), version: 2, hash: "h" },
            { id: id(1), version: 1, hash: "h" },
          ],
        },
      };
      await expect(reconcileStep(shuffled, null, plenty)).rejects.toThrow(MemoryError);
      expect(world.work.size).toBe(0);
    });
  });

  test("a collection of other dimensions is told, and its points are left alone", async () => {
    plantEachKind();
    world.dims = 8;
    const report = await world.run();
    expect(report.targets["main"]).toMatchObject({ wrong_dimension: 1, rows: 0, touched: 0 });
    expect(countDifferences(report)).toBe(1);
  });

  test("a collection that is gone is made again, empty, and every row is missing; a dry run only counts", async () => {
    plantEachKind();
    world.points.clear();
    world.dims = undefined;
    expect((await world.run(plenty, newReconcileRun({ dryRun: true }))).targets["main"]).toMatchObject({ missing: 6 });
    expect(world.prepared).toEqual([]);
    expect((await world.run()).targets["main"]).toMatchObject({ missing: 6, touched: 6 });
    expect(world.prepared).toEqual(["test__m__4", "alias of test__m__4"]);
  });

  describe("a database that is older than its index", () => {
    test("gives versions from beyond the index's on", async () => {
      world.put(1, { version: 5_000 });
      expect(await catchUpVersions(world.deps, never)).toBe(true);
      expect(world.sequence).toBeGreaterThan(5_000);
      expect(world.rewoundTo).toEqual([5_000]);
      expect(await catchUpVersions(world.deps, never)).toBe(false);
    });

    test("is noticed by a run too, but not changed by a dry one", async () => {
      world.put(1, { version: 5_000 });
      await world.run(plenty, newReconcileRun({ dryRun: true }));
      expect(world.sequence).toBe(1_000);
      await world.run();
      expect(world.sequence).toBeGreaterThan(5_000);
    });

    test("a version that nobody can have given is no reason to go on from there", async () => {
      world.put(1, { version: Number.MAX_SAFE_INTEGER });
      expect(await catchUpVersions(world.deps, never)).toBe(false);
      world.put(2, { version: Number.NaN });
      expect((await world.run()).targets["main"]).toMatchObject({ orphan: 2 });
      expect(world.sequence).toBe(1_000);
    });
  });

  test("its status is what is asked for or under way, and what came of the last run", async () => {
    expect(reconcileStatus(undefined)).toEqual({ run: undefined, last: undefined });
    const run = newReconcileRun({ dryRun: true });
    const result = await world.run();
    const finishedAt = new Date();
    expect(reconcileStatus({ name: "reconcile", state: run, result, finishedAt })).toEqual({
      run,
      last: { ...result, finished_at: finishedAt },
    });
  });
});
