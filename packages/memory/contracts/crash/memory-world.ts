import { contentHash, indexTopic, SCHEDULE_TOPIC } from "@engram/memory";
import { FakeClock } from "../fakes/clock.ts";
import { FAKE_MODEL } from "../fakes/embedder.ts";
import { createFakeIndexableRows } from "../fakes/indexable-rows.ts";
import { createFakeIndexTargets } from "../fakes/index-targets.ts";
import { createFakeOutbox } from "../fakes/outbox.ts";
import { createFakeSchedules } from "../fakes/schedules.ts";
import { createFakeStore } from "../fakes/store.ts";
import { FakeTruth, type TargetRow } from "../fakes/truth.ts";
import { FakeVectorIndex } from "../fakes/vector-index.ts";
import { gateParts } from "./gated-parts.ts";
import { BASE, collectionNamed, embedderIn, probeOf, TARGET, type World } from "./world.ts";

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
    open: (gate) =>
      gateParts(
        {
          store: createFakeStore(truth),
          outbox: createFakeOutbox(truth),
          index,
          embedderOf: (model) => embedderIn(world, model),
          rows: createFakeIndexableRows(truth),
          targets,
          schedules: createFakeSchedules(truth),
          bell: { ring: () => undefined },
        },
        gate,
      ),
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
      await targets.adopt(probeOf(FAKE_MODEL));
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
