import { contentHash, indexTopic } from "@engram/memory";
import { FakeClock } from "../fakes/clock.ts";
import { createFakeEmbedder } from "../fakes/embedder.ts";
import { createFakeOutbox } from "../fakes/outbox.ts";
import { createFakeStore } from "../fakes/store.ts";
import { FakeTruth } from "../fakes/truth.ts";
import { FakeVectorIndex } from "../fakes/vector-index.ts";
import { gateBell, gateEmbedder, gateIndex, gateOutbox, gateStore } from "./gated-parts.ts";
import { REFUSED_TEXT, TARGET, type World } from "./world.ts";

/** A world of fakes: a call is a step, and a step takes no time. */
export function createMemoryWorld(): World {
  const clock = new FakeClock();
  const truth = new FakeTruth(clock);
  const index = new FakeVectorIndex();
  const world: World = {
    clock,
    index,
    isProviderAway: false,
    open: (gate) => ({
      store: gateStore(createFakeStore(truth), gate),
      outbox: gateOutbox(createFakeOutbox(truth), gate),
      index: gateIndex(index, gate),
      embedder: gateEmbedder(
        createFakeEmbedder({
          refuses: (text) => text.includes(REFUSED_TEXT),
          isAway: () => world.isProviderAway,
        }),
        gate,
      ),
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
    work: () => Promise.resolve(truth.work.map(({ key, parkedAt }) => ({ key, isParked: parkedAt !== null }))),
    unguarded() {
      const points = index.points(TARGET.collection);
      return [...new Set([...truth.memories.keys(), ...points.keys()])].filter((id) => {
        const row = truth.memories.get(id);
        const point = points.get(id);
        const agrees =
          row === undefined
            ? point === undefined
            : point?.memory.version === row.version && point.hash === contentHash(row.content);
        return !agrees && truth.findWork(indexTopic(TARGET.name), id) === undefined;
      });
    },
    pass: (seconds) => clock.pass(seconds),
    clear: () => {
      truth.clear();
      index.points(TARGET.collection).clear();
      world.isProviderAway = false;
      return Promise.resolve();
    },
  };
  return world;
}
