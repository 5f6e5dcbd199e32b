import {
  collectionName,
  type Bell,
  type CollectionRef,
  type Embedder,
  type EmbedderProbe,
  type IndexableRows,
  type IndexTarget,
  type IndexTargets,
  type Outbox,
  type Schedules,
  type VectorIndex,
} from "@engram/memory";
import type { FakeClock } from "../fakes/clock.ts";
import { createFakeEmbedder, FAKE_DIMS, FAKE_MODEL } from "../fakes/embedder.ts";
import type { WritingStore } from "../fakes/store.ts";
import type { FakeVectorIndex } from "../fakes/vector-index.ts";

/** The configured name of the collections. */
export const BASE = "crash";

/** The collection of a model. */
export function collectionNamed(model: string): CollectionRef {
  return { name: collectionName(BASE, model, FAKE_DIMS), model, dims: FAKE_DIMS };
}

/** What a look at a model tells of it. */
export function probeOf(model: string): EmbedderProbe {
  return { model, dims: FAKE_DIMS, requestedDims: null, calibration: { background: 0, related: 1 } };
}

/** The index that all crash tests begin with. */
export const TARGET = { name: "main", collection: collectionNamed(FAKE_MODEL) };

/** What a reindex goes over to. */
export const NEW_MODEL = "other";

/** The defaults of the configuration but for the attempts: it is the protocol that is tested, and no second is waited. */
export const OPTIONS = { batchSize: 64, leaseSeconds: 60, horizonSeconds: 300, attemptsMax: 3 };

/** What the provider refuses to embed. */
export const REFUSED_TEXT = "отрава";

/** One call of a process to something outside of it. */
export interface Call {
  /** `part.method`, or the beginning of a statement. */
  readonly name: string;
  /** False: it changes nothing, so nothing of it can happen late. */
  readonly isEffect: boolean;
}

/** Stands between a process and everything outside of it. */
export interface Gate {
  pass<T>(call: Call, effect: () => Promise<T>): Promise<T>;
}

/** What a process works with. */
export interface Parts {
  readonly store: WritingStore;
  readonly outbox: Outbox;
  readonly index: VectorIndex;
  readonly embedderOf: (model: string) => Embedder;
  readonly rows: IndexableRows;
  readonly targets: IndexTargets;
  readonly schedules: Schedules;
  readonly bell: Pick<Bell, "ring">;
}

export interface IndexedRow {
  readonly id: string;
  readonly version: number;
  readonly content: string;
  /** False: retired. */
  readonly isLive: boolean;
}

/** Truth, index and time, over which processes come and go. */
export interface World {
  readonly clock: FakeClock;
  /** The index as it is, for whoever looks from outside. */
  readonly index: FakeVectorIndex;
  /** True while the provider cannot be reached. */
  isProviderAway: boolean;
  /** The parts as one process has them: each call goes through its gate. */
  open(gate: Gate): Parts;
  rows(): Promise<readonly IndexedRow[]>;
  /** The targets that are kept at this moment, and those that have ended. */
  targets(): Promise<{ readonly followed: readonly IndexTarget[]; readonly retired: readonly IndexTarget[] }>;
  /** Work of indexes. */
  work(): Promise<readonly { readonly key: string; readonly isParked: boolean }[]>;
  /** What breaks I1 at this moment, where it can be told without a statement: index ≠ row, and no work row. */
  unguarded?(): readonly string[];
  /** Time passes, for what is stored and for what is on its way. */
  pass(seconds: number): Promise<void>;
  /** Empties everything for the next run. */
  clear(): Promise<void>;
}

/** The provider of a world: it refuses one text, and is away while the world says so. */
export function embedderIn(world: Pick<World, "isProviderAway">, model: string): Embedder {
  return createFakeEmbedder({
    model,
    refuses: (text) => text.includes(REFUSED_TEXT),
    isAway: () => world.isProviderAway,
  });
}
