import type { Explanation } from "./explain.ts";
import type { Memory } from "./memory.ts";
import type { CollectionRef, Embedder, IndexTarget, MemoryStore, VectorIndex } from "./ports/index.ts";
import type { QueryVectors } from "./query-vectors.ts";
import type { MemoryFilter } from "./scope.ts";
import type { WorkingSets } from "./working-set/working-sets.ts";

/**
 * The live target, its collection (undefined until a worker has probed an embedder) and the embedder that filled it
 * (undefined when it cannot be had any more).
 */
export interface Live {
  readonly target: IndexTarget;
  readonly collection: CollectionRef | undefined;
  readonly embedder: Embedder | undefined;
}

export interface SearchDeps {
  readonly store: MemoryStore;
  readonly index: VectorIndex;
  /** May be a few seconds old. */
  readonly live: () => Promise<Live>;
  readonly queryVectors: QueryVectors;
  /** Memories that are held here, which is sooner than to ask the stores. Absent: none are. */
  readonly workingSets?: Pick<WorkingSets, "find" | "peek">;
  /** After this an arm is left behind and the other answers alone. */
  readonly deadlineMs: number;
  readonly onArm?: (arm: Arm, outcome: "ok" | "failed", seconds: number) => void;
}

export interface SearchRequest {
  readonly filter: MemoryFilter;
  readonly query?: string;
  /** What "yesterday" is said of. Absent: now. */
  readonly queryTime?: Date;
  /** How far the asker's clock is ahead of UTC. Absent: 0. */
  readonly utcOffsetMinutes?: number;
  readonly limit: number;
  /** 0..1; memories below it are left out. */
  readonly threshold: number;
  /** True: rather fail than answer without the embedder. */
  readonly strict: boolean;
  /** True: tell why; costs a further join. */
  readonly explain?: boolean;
}

/** Why an answer is less than it could be. */
export interface Degradation {
  readonly code:
    | "lexical_embeddings"
    | "embedder_unavailable"
    | "vectors_unavailable"
    | "deadline"
    | "index_not_ready"
    | "many_users"
    | "other_model";
  readonly message: string;
}

export interface SearchResult {
  readonly memories: readonly (Memory & { readonly score: number })[];
  readonly degraded: readonly Degradation[];
  /** Only when it was asked for, and there was a query. */
  readonly explanation?: Explanation;
  /** What each arm took, in milliseconds, also of one that failed; those that were not asked are not there. */
  readonly timings: ReadonlyMap<Arm, number>;
}

export type Arm = "embed" | "vectors" | "text";
