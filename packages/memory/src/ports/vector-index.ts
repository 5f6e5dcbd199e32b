import type { MemoryFilter } from "../scope.ts";
import type { Vector } from "../vector.ts";

/** What the index keeps of a memory beside its vector. Times are instants. */
export interface IndexableMemory {
  readonly id: string;
  readonly version: number;
  readonly tenant: string;
  readonly content: string;
  readonly level: string;
  readonly sessionIds: readonly string[];
  readonly agentIds: readonly string[];
  readonly type: string;
  readonly key: string | null;
  readonly importance: number | null;
  readonly categories: readonly string[];
  readonly occurredAt: Date;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly validTo: Date | null;
}

export interface IndexPoint {
  readonly memory: IndexableMemory;
  /** 16 hex characters of sha256 of the embedded text. */
  readonly hash: string;
}

export interface IndexPointWithVector extends IndexPoint {
  /** Unit length, `dims` numbers. */
  readonly vector: Vector;
}

export interface PointState {
  readonly version: number;
  readonly hash: string;
  /** Absent where the index keeps none, because a search asks the row itself whose it is. */
  readonly tenant?: string;
}

export interface ScannedPoint extends PointState {
  readonly id: string;
}

/** A collection as a whole. */
export interface CollectionState {
  readonly dims: number;
  /** Of its points; undefined: it has none, or lives in the truth's own database and goes back in time with it. */
  readonly greatestVersion: number | undefined;
}

export interface VectorQuery {
  readonly vector: Vector;
  readonly filter: MemoryFilter;
  /** The tenants whose points the caller may see. */
  readonly tenants: readonly string[];
  readonly limit: number;
  readonly now: Date;
  /** Only these: the memories that the filter's condition lets through, for an index that cannot ask the rows itself. */
  readonly ids?: readonly string[];
}

export interface VectorHit {
  readonly id: string;
  readonly version: number;
  /** Cosine similarity, -1..1. */
  readonly cosine: number;
}

export interface StoredVector {
  /** Of the row that was embedded. */
  readonly version: number;
  readonly vector: Float32Array;
}

/** The collection that a target's points live in. */
export interface CollectionRef {
  readonly name: string;
  readonly model: string;
  readonly dims: number;
}

/**
 * The index. Effects are certain when a call returns, and may or may not have happened when it throws with
 * `outcomeUnknown`. Only `converge` calls the writing half.
 */
export interface VectorIndex {
  /** True: a search asks the rows themselves, so that it applies the filter's condition by itself. */
  readonly joinsRows?: boolean;
  /**
   * The vectors of the points that exist among `ids`, for a search that goes through them by itself. Only an index tells them
   * that stands in the truth's own database, and tells the truth's changes of its points too (`SearchableRows`).
   */
  readVectors?(collection: CollectionRef, ids: readonly string[]): Promise<ReadonlyMap<string, StoredVector>>;
  /** Makes the collection and its payload indexes; throws `invalid` when it exists with other dimensions. */
  prepare(collection: CollectionRef): Promise<void>;
  /**
   * Makes the live collection known to outsiders under the configured name, where the index has names. Returns what stands
   * in the way, in one line with its cure: the collection is worked with all the same.
   */
  publish(collection: CollectionRef): Promise<string | undefined>;
  /** Takes a collection away with all its points; one that is not there is no fault. */
  drop(collection: CollectionRef): Promise<void>;
  /** The states of the points that exist among `ids`. */
  fetchStates(
    collection: CollectionRef,
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, PointState>>;
  /** Points in the order of their ids, from beyond `after`; fewer than `limit` only at the end. Ids that are no UUIDs are left out. */
  scan(
    collection: CollectionRef,
    page: { readonly after?: string; readonly limit: number },
    signal: AbortSignal,
  ): Promise<readonly ScannedPoint[]>;
  /** Undefined: there is no such collection. */
  inspect(collection: CollectionRef, signal: AbortSignal): Promise<CollectionState | undefined>;
  /** Returns the ids whose point is now as given; one that is left out must be tried again. */
  upsert(
    collection: CollectionRef,
    points: readonly IndexPointWithVector[],
    signal: AbortSignal,
  ): Promise<readonly string[]>;
  /** Replaces all but the vector. Returns the ids that were there. */
  setPayload(collection: CollectionRef, points: readonly IndexPoint[], signal: AbortSignal): Promise<readonly string[]>;
  delete(collection: CollectionRef, ids: readonly string[], signal: AbortSignal): Promise<void>;
  search(collection: CollectionRef, query: VectorQuery, signal: AbortSignal): Promise<readonly VectorHit[]>;
  /**
   * The ids of the points that carry a tenant, whether their rows exist or not: at most `limit`, in the order of ids, from
   * beyond `after`. Undefined: the collection does not exist.
   */
  listTenant(
    collection: CollectionRef,
    query: { readonly tenant: string; readonly limit: number; readonly after?: string },
    signal: AbortSignal,
  ): Promise<readonly string[] | undefined>;
  /** Answers when the index can be reached, else throws. */
  ping(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
