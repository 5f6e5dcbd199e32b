import { beforeEach, expect, test } from "@jest/globals";
import { indexTopic, type EmbedderProbe } from "@engram/memory";
import { createIndexTargets, createMemoryStore, createParkedJobs } from "../src/index.ts";
import { describeOnDatabases } from "./databases.ts";
import { draft } from "./draft.ts";

const probe = (model: string, dims = 4): EmbedderProbe => ({
  model,
  dims,
  requestedDims: null,
  calibration: { background: 0.1, related: 0.5 },
});

describeOnDatabases("index targets", (db, name) => {
  const targets = createIndexTargets(db, { base: "mem" });
  beforeEach(async () => {
    await db.script(`DELETE FROM public.memories; DELETE FROM engram.outbox; DELETE FROM engram.index_targets;
      INSERT INTO engram.index_targets (name, state, filled_at) VALUES ('main', 'live', now())`);
    await targets.adopt(probe("old"));
  });

  const write = async (count: number): Promise<void> => {
    await createMemoryStore(db).putMemories(Array.from({ length: count }, (_, n) => draft({ content: `факт ${n}` })));
  };
  const workOf = async (target: string): Promise<number> => (await targets.progress(target)).work;
  const begin = async (): Promise<string> => (await targets.adopt(probe("new"))).name;
  /** Other databases of the server have transactions under way too, and any of them is waited for. */
  const backfill = async (target: string, limit: number): Promise<string> => {
    for (;;) {
      const outcome = await targets.backfill(target, limit);
      if (outcome !== "waiting") return outcome;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  test("a fresh live target takes the first model; the same model again changes nothing", async () => {
    expect(await targets.live()).toMatchObject({ name: "main", model: "old", dims: 4, filledAt: expect.any(Date) });
    await targets.adopt(probe("old"));
    expect(await targets.followed()).toHaveLength(1);
  });

  test("another model fills beside the live one, and every write from then on is work in both", async () => {
    const target = await begin();
    expect(await targets.followed()).toMatchObject([
      { name: "main", state: "live" },
      { name: target, state: "filling", model: "new", filledAt: null },
    ]);
    await write(3);
    expect([await workOf("main"), await workOf(target)]).toEqual([3, 3]);
  });

  test("the backfill goes through all rows in chunks and ends; a repeat of it adds nothing", async () => {
    await write(5);
    const target = await begin();
    expect(await backfill(target, 2)).toBe("more");
    expect(await backfill(target, 2)).toBe("more");
    expect(await backfill(target, 2)).toBe("filled");
    expect(await backfill(target, 2)).toBe("filled");
    expect(await workOf(target)).toBe(5);
    expect(await targets.followed()).toMatchObject([{}, { filledAt: expect.any(Date) }]);
  });

  test("workers that begin at once make one target", async () => {
    await Promise.all([targets.adopt(probe("new")), targets.adopt(probe("new")), targets.adopt(probe("new"))]);
    expect(await targets.followed()).toHaveLength(2);
  });

  test("going live is one commit, and the replaced one is followed until its time is over", async () => {
    const target = await begin();
    expect(await targets.promote(target, { keepSeconds: 60 })).toBe(true);
    expect(await targets.promote(target, { keepSeconds: 60 })).toBe(false);
    expect(await targets.followed()).toMatchObject([
      { name: target, state: "live", retireAt: null },
      { name: "main", state: "filling", filledAt: expect.any(Date), retireAt: expect.any(Date) },
    ]);
    await write(1);
    expect([await workOf("main"), await workOf(target)]).toEqual([1, 1]);
  });

  test("one that was replaced and is wanted again keeps what it has", async () => {
    const target = await begin();
    await targets.promote(target, { keepSeconds: 60 });
    await targets.adopt(probe("old"));
    expect(await targets.followed()).toMatchObject([
      { name: target },
      { name: "main", filledAt: expect.any(Date), retireAt: null },
    ]);
  });

  test("parked work is told until it is discarded; it is no work to be waited for", async () => {
    const target = await begin();
    await write(3);
    await db.query(
      "UPDATE engram.outbox SET parked_at = now() WHERE ctid IN (SELECT ctid FROM engram.outbox WHERE topic = $1 LIMIT 2)",
      [indexTopic(target)],
    );
    expect(await targets.progress(target)).toEqual({ rows: 3, pending: 1, parked: 2, work: 3 });
    await createParkedJobs(db).discard();
    expect(await targets.progress(target)).toEqual({ rows: 3, pending: 1, parked: 0, work: 3 });
  });

  test("one that ended leaves no work, and never the live one", async () => {
    const target = await begin();
    await write(2);
    expect(await targets.retire("main")).toBe(false);
    expect(await targets.retire(target)).toBe(true);
    expect(await workOf(target)).toBe(0);
    await write(4);
    expect(await workOf(target)).toBe(0);
    expect(await db.query("SELECT 1 FROM engram.outbox WHERE topic = $1", [indexTopic(target)])).toEqual([]);
  });

  // PGlite has one session only: there nobody else can be under way.
  if (name === "PostgreSQL")
    test("the backfill waits for writers that began before the target was there", async () => {
      let done = (): void => undefined;
      const held = new Promise<void>((resolve) => {
        done = resolve;
      });
      let started = (): void => undefined;
      const writing = new Promise<void>((resolve) => {
        started = resolve;
      });
      const writer = db.transaction(async (tx) => {
        await createMemoryStore(tx).putMemories([draft({ content: "до цели" })]);
        started();
        await held;
      });
      await writing;
      const target = await begin();
      expect(await targets.backfill(target, 10)).toBe("waiting");
      done();
      await writer;
      expect(await backfill(target, 10)).toBe("filled");
      expect(await workOf(target)).toBe(1);
    });
});
