import { outboxContract } from "@engram/memory/contracts/outbox";
import { vectorIndexContract } from "@engram/memory/contracts/vector-index";
import { FakeClock } from "@engram/memory/contracts/fakes/clock";
import { createFakeOutbox } from "@engram/memory/contracts/fakes/outbox";
import { createFakeStore } from "@engram/memory/contracts/fakes/store";
import { FakeTruth } from "@engram/memory/contracts/fakes/truth";
import { FakeVectorIndex } from "@engram/memory/contracts/fakes/vector-index";

/* The fakes are held to what the real parts are held to: tests over an unfaithful fake would prove nothing. */

outboxContract("fake", () => {
  const truth = new FakeTruth(new FakeClock());
  return Promise.resolve({
    outbox: createFakeOutbox(truth),
    store: createFakeStore(truth),
    find: (id) => Promise.resolve(truth.findWork("index:main", id)),
    pass: (seconds) => truth.clock.pass(seconds),
    clear: () => Promise.resolve(truth.clear()),
    close: () => Promise.resolve(),
  });
});

vectorIndexContract("fake", () =>
  Promise.resolve({
    index: new FakeVectorIndex(),
    collection: { name: "contract__model__4", model: "model", dims: 4 },
    keepsTenants: true,
    seed: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }),
);
