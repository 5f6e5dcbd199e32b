import { contentHash, indexTopic, SCHEDULE_TOPIC } from "@engram/memory";
import { FakeClock } from "../fakes/clock.ts";
import { createFakeEmbedder, FAKE_DIMS, FAKE_MODEL } from "../fakes/embedder.ts";
import { createFakeIndexableRows } from "../fakes/indexable-rows.ts";
import { createFakeIndexTargets } from "../fakes/index-targets.ts";
import { createFakeOutbox } from "../fakes/outbox.ts";
import { createFakeSchedules } from "../fakes/schedules.ts";
import { createFakeStore } from "../fakes/store.ts";
import { FakeTruth, type TargetRow } from "../fakes/truth.ts";
import { FakeVectorIndex } from "../fakes/vector-index.ts";
import {
  gateBell,
  gateEmbedder,
  gateIndex,
  gateOutbox,
  gateRows,
  gateSchedules,
  gateStore,
  gateTargets,
} from "./gated-parts.ts";
import { BASE, collectionNamed, REFUSED_TEXT, TARGET, type World } from "./world.ts";

const PROBE = {
  model: FAKE_MODEL,
  dims: FAKE_DIMS,
  requestedDims: null,
  calibration: { background: 0, related: 1 },
};

/** A world of fakes: a call is a step, and a step takes no time. */
export function createMemoryWorld(): World {
  const clock = new FakeClock();
  const truth = new FakeTruth(clock);
  const index = new FakeVectorIndex();
  const targets = createFakeIndexTargets(truth, { base: BASE });
  const world: World = {
    clock,
    index,
    isProviderAway: false,
    open: (gate) => ({
      store: gateStore(createFakeStore(truth), gate),
      outbox: gateOutbox(createFakeOutbox(truth), gate),
      index: gateIndex(index, gate),
      embedderOf: (model) =>
        gateEmbedder(
          createFakeEmbedder({
            model,
            refuses: (text) => text.includes(REFUSED_TEXT),
            isAway: () => world.isProviderAway,
          }),
          gate,
        ),
      rows: gateRows(createFakeIndexableRows(truth), gate),
      targets: gateTargets(targets, gate),
      schedules: gateSchedules(createFakeSchedules(truth), gate),
      bell: gateBell({ ring: () => undefined }, gate),
    }),
    rows: () =>
      Promise.resolve(
        [...truth.memories.values()].map(({ id, version, content, validTo }) => ({
          id,
          version,
          content,
          isLive: validTo === null,
        })),
      ),
    targets: async () => ({
      followed: await targets.followed(),
      retired: (await targets.list()).filter(({ state }) => state === "retired"),
    }),
    work: () =>
      Promise.resolve(
        truth.work
          .filter(({ topic }) => topic !== SCHEDULE_TOPIC)
          .map(({ key, parkedAt }) => ({ key, isParked: parkedAt !== null })),
      ),
    unguarded: () =>
      [...truth.targets.values()].filter(({ state }) => state !== "retired").flatMap((target) => unguardedIn(target)),
    pass: (seconds) => clock.pass(seconds),
    clear: async () => {
      truth.clear();
      index.clear();
      await index.prepare(TARGET.collection);
      await targets.adopt(PROBE);
      world.isProviderAway = false;
    },
  };

  /** While a target fills, what its backfill has not come to yet has no work. */
  function unguardedIn({ name, model, filledAt, cursor }: TargetRow): readonly string[] {
    const points = index.points(collectionNamed(model ?? ""));
    return [...new Set([...truth.memories.keys(), ...points.keys()])].filter((id) => {
      const row = truth.memories.get(id);
      const point = points.get(id);
      const agrees =
        row === undefined
          ? point === undefined
          : point?.memory.version === row.version && point.hash === contentHash(row.content);
      const isYetToFill = point === undefined && filledAt === null && (cursor === null || id > cursor);
      return !agrees && !isYetToFill && truth.findWork(indexTopic(name), id) === undefined;
    });
  }
  return world;
}
