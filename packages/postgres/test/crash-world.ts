import { SCHEDULE_TOPIC, type IndexTargets } from "@engram/memory";
import { gateParts } from "@engram/memory/contracts/crash/gated-parts";
import { BASE, embedderIn, probeOf, TARGET, type IndexedRow, type World } from "@engram/memory/contracts/crash/world";
import { FakeClock } from "@engram/memory/contracts/fakes/clock";
import { FAKE_MODEL } from "@engram/memory/contracts/fakes/embedder";
import { FakeVectorIndex } from "@engram/memory/contracts/fakes/vector-index";
import type { Executor } from "@engram/sql";
import {
  createIndexableRows,
  createIndexTargets,
  createMemoryStore,
  createOutbox,
  createSchedules,
} from "../src/index.ts";
import { passTime } from "./pass-time.ts";

const CLEAR = `DELETE FROM public.memories; DELETE FROM engram.outbox; DELETE FROM engram.history;
  DELETE FROM engram.schedules; DELETE FROM engram.index_targets;
  INSERT INTO engram.index_targets (name, state, filled_at) VALUES ('${TARGET.name}', 'live', now())`;

/** A world whose truth is this database, with its triggers, snapshots and statements; index and provider are fakes. */
export function createSqlWorld(db: Executor): World {
  const clock = new FakeClock((seconds) => passTime(db, seconds));
  const index = new FakeVectorIndex();
  const targets = createIndexTargets(db, { base: BASE });
  const world: World = {
    clock,
    index,
    isProviderAway: false,
    open: (gate) =>
      gateParts(
        {
          store: { ...createMemoryStore(db), truncate: () => db.script("TRUNCATE memories") },
          outbox: createOutbox(db),
          index,
          embedderOf: (model) => embedderIn(world, model),
          rows: createIndexableRows(db),
          targets: { ...targets, backfill: (name, limit) => backfill(targets, name, limit) },
          schedules: createSchedules(db),
          bell: { ring: () => undefined },
        },
        gate,
      ),
    rows: () =>
      db.query<IndexedRow & Record<string, unknown>>(
        'SELECT id, version, content, valid_to IS NULL AS "isLive" FROM public.memories',
      ),
    targets: async () => ({
      followed: await targets.followed(),
      retired: (await targets.list()).filter(({ state }) => state === "retired"),
    }),
    work: () =>
      db.query<{ key: string; isParked: boolean }>(
        'SELECT key, parked_at IS NOT NULL AS "isParked" FROM engram.outbox WHERE topic <> $1',
        [SCHEDULE_TOPIC],
      ),
    pass: (seconds) => clock.pass(seconds),
    clear: async () => {
      await db.script(CLEAR);
      index.clear();
      await index.prepare(TARGET.collection);
      await targets.adopt(probeOf(FAKE_MODEL));
      world.isProviderAway = false;
    },
  };
  return world;
}

/** Other databases of the server have transactions under way too, and any of them is waited for: in real time, not here. */
async function backfill(targets: IndexTargets, name: string, limit: number): ReturnType<IndexTargets["backfill"]> {
  for (;;) {
    const outcome = await targets.backfill(name, limit);
    if (outcome !== "waiting") return outcome;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
