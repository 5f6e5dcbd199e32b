/*
 * The sockets: truth, vectors, queue, models. Each is an interface with at least two adapters behind one contract test
 * (`packages/<adapter>/test`), chosen once at start by `packages/sockets`, never by an `if` in the domain.
 */
import type { Actor, KeyedWrite, Memory, MemoryDraft, MemoryPatch, MemoryVersion, PutResult } from "./memory.ts";
import type { MemoryFilter } from "./scope.ts";
import type { Vector } from "./vector.ts";

// ---------------------------------------------------------------------------------------------------------- truth --

export const SORTS = ["created_at", "-created_at", "importance", "updated_at"] as const;
export type Sort = (typeof SORTS)[number];

export interface ListQuery {
  readonly filter: MemoryFilter;
  readonly sort: Sort;
  readonly limit: number;
  readonly offset: number;
  /** Opaque, from an earlier page's `nextCursor`; it wins over `offset`. A bad one throws `invalid`. */
  readonly cursor?: string;
}

export interface MemoryPage {
  readonly memories: readonly Memory[];
  readonly total: number;
  readonly nextCursor: string | null;
}

/** One row that shares a word with a query: what BM25 needs to know of it. */
export interface TextHit {
  readonly id: string;
  /** Lexemes in the row. */
  readonly length: number;
  /** How often each of the query's lexemes stands in it; only those that do. */
  readonly frequencies: Readonly<Record<string, number>>;
}

/** The text arm's answer: candidates, and the statistics of everything that the caller sees. */
export interface TextHits {
  readonly hits: readonly TextHit[];
  /** The query's lexemes, stop words left out. */
  readonly terms: readonly string[];
  /** Rows that the caller sees, and the mean of their lengths. */
  readonly documents: number;
  readonly averageLength: number;
  /** In how many of those rows each lexeme stands. */
  readonly documentFrequencies: Readonly<Record<string, number>>;
}

/**
 * The memories: PostgreSQL, or PGlite under the same SQL. Every method is one statement and one round trip. One that is
 * handed a keyed write keeps its answer in that statement, and throws `keyTaken` without any effect when the key is taken.
 */
export interface MemoryStore {
  /** Puts a group in one commit; answers in the order of the drafts. No two drafts may name one slot with different contents. */
  putMemories(drafts: readonly MemoryDraft[]): Promise<readonly PutResult[]>;
  getMemory(projectId: string, id: string): Promise<Memory | undefined>;
  /** Rows among `ids` that the filter lets through, live ones only; in no order. */
  findMemories(ids: readonly string[], filter: MemoryFilter): Promise<readonly Memory[]>;
  listMemories(query: ListQuery): Promise<MemoryPage>;
  /** Newest and most important of what the filter lets through, `sessionId`'s own first. */
  recentMemories(filter: MemoryFilter, limit: number): Promise<readonly Memory[]>;
  searchText(query: string, filter: MemoryFilter, limit: number): Promise<TextHits>;
  /** Users who own what the filter lets through, for a search that names none (at most `limit`; null = nobody's). */
  findUserIds(filter: MemoryFilter, limit: number): Promise<readonly (string | null)[]>;
  /** Undefined: absent. Throws `conflict` (with the other's id in `details`) when the new text already stands. */
  updateMemory(
    projectId: string,
    id: string,
    patch: MemoryPatch,
    actor: Actor,
    keyed?: KeyedWrite,
  ): Promise<Memory | undefined>;
  deleteMemory(projectId: string, id: string, actor: Actor, keyed?: KeyedWrite): Promise<boolean>;
  /** How many; in chunks. A keyed one that is run again goes on where it stopped, and counts from its beginning. */
  deleteMemories(filter: MemoryFilter, actor: Actor, keyed?: KeyedWrite): Promise<number>;
  /** Newest first; undefined when the memory is absent. */
  getHistory(projectId: string, id: string): Promise<readonly MemoryVersion[] | undefined>;
  /** The row as `converge` needs it, whatever its state; absent and expired rows are left out. */
  readIndexable(ids: readonly string[]): Promise<readonly IndexableMemory[]>;
  /** Memories picked at random among the live ones, for a look at the index. */
  sampleMemories(limit: number): Promise<readonly Memory[]>;
  /** Deletes a chunk of what has expired. */
  sweepExpired(): Promise<{ deleted: number; more: boolean }>;
}

/** A row as an index should hold it, without its content. */
export interface RowState {
  readonly id: string;
  readonly version: number;
  readonly tenant: string;
  /** What `contentHash` gives for its content. */
  readonly hash: string;
  /** True: its time is over, and the sweep is about to delete it. */
  readonly expired: boolean;
}

/** A row, or its absence, and whether work of a target waits for it: both as of one instant. */
export interface ExaminedRow {
  readonly id: string;
  readonly row: RowState | undefined;
  readonly work: "none" | "waiting" | "parked";
}

/** What reconcile needs of the truth. Retired rows are rows like others: the index keeps them. */
export interface IndexableRows {
  /** Rows in the order of their ids, from beyond `after`; fewer than `limit` only at the end. */
  scan(page: { readonly after?: string; readonly limit: number }): Promise<readonly RowState[]>;
  /** In one statement, so that no work row can come or go between the two looks. In no order. */
  examine(target: string, ids: readonly string[]): Promise<readonly ExaminedRow[]>;
  /**
   * Makes work rows, in the slow lane, for the keys that have none and whose row is still of that version (null: still
   * absent). Returns those keys. Nothing for a target that is retired.
   */
  touch(
    target: string,
    seen: readonly { readonly id: string; readonly version: number | null }[],
  ): Promise<readonly string[]>;
  /** Moves the sequence of versions well past `version`. False: it is past it already, nothing was changed. */
  advanceVersions(version: number): Promise<boolean>;
}

// --------------------------------------------------------------------------------------------------------- outbox --

export interface Claimed {
  readonly key: string;
  readonly generation: number;
  readonly attempts: number;
  /** True: an earlier effect on this key may still land. */
  readonly inDoubt: boolean;
  /** True: an earlier attempt died with it or found it invalid, so it is worked by itself. */
  readonly alone: boolean;
  /** How long the work has been waiting when it was claimed. */
  readonly waitedSeconds: number;
  readonly requestId: string | null;
}

export interface ClaimOptions {
  readonly topic: string;
  readonly limit: number;
  readonly token: string;
  readonly leaseSeconds: number;
  readonly horizonSeconds: number;
  /** `absent`: of memories that are gone from the truth alone, whose points are to be deleted. Default: `all`. */
  readonly only?: "all" | "absent";
}

export interface Failure {
  readonly key: string;
  readonly generation: number;
  /** Never memory content: it is shown to operators. */
  readonly error: string;
  readonly retryInSeconds: number;
  /** The effect may still land: keep the row, and look again after the horizon. */
  readonly doubt: boolean;
  /** Do not try again until somebody asks for it. */
  readonly park: boolean;
}

export interface OutboxDepth {
  readonly topic: string;
  readonly pending: number;
  /** Of the pending, those of single writes (lane 0); the others are bulk, rebuilt or swept. */
  readonly pendingSingle: number;
  readonly parked: number;
  /** Age of the oldest pending work, in seconds; 0 when there is none. */
  readonly oldestSeconds: number;
}

/** The keyed set of dirty things. Only the holder of a token may acknowledge, fail or release what it claimed. */
export interface Outbox {
  claim(options: ClaimOptions): Promise<readonly Claimed[]>;
  /** Rows that went away, and rows that must be worked again (dirtied meanwhile, or in doubt). */
  acknowledge(topic: string, token: string, done: readonly Claimed[]): Promise<{ gone: number; kept: number }>;
  fail(topic: string, token: string, failures: readonly Failure[], horizonSeconds: number): Promise<number>;
  /** Gives claimed work back untouched, for a graceful stop. */
  release(topic: string, token: string, claimed: readonly Claimed[]): Promise<number>;
  depth(): Promise<readonly OutboxDepth[]>;
}

/** A work row that was parked: tried in vain, and waiting for somebody to look at it. */
export interface ParkedWork {
  readonly topic: string;
  readonly key: string;
  readonly error: string | null;
  readonly attempts: number;
  readonly requestId: string | null;
  readonly createdAt: Date;
  readonly parkedAt: Date;
}

export interface WorkId {
  readonly topic: string;
  readonly key: string;
}

/** What an operator does about parked work. Deletions of other projects' memories are nobody's, so all is shown. */
export interface ParkedJobs {
  /** In the order of the keys, which is about that of the memories' creation, after `after`; discarded work is left out. */
  list(options: { readonly limit: number; readonly after?: WorkId }): Promise<readonly ParkedWork[]>;
  /** Makes parked work due again, discarded work too when it is named; all that is parked when no ids are given. */
  retry(ids?: readonly WorkId[]): Promise<number>;
  /** Takes parked work out of list and count; its memory stays `failed` until it changes. */
  discard(ids?: readonly WorkId[]): Promise<number>;
}

/** Where a scheduled job stands. `state` and `result` are the job's own JSON. */
export interface Schedule {
  readonly name: string;
  /** Null between runs. */
  readonly state: unknown;
  /** The end of the last run, and what came of it. */
  readonly finishedAt: Date | null;
  readonly result: unknown;
}

/** Jobs that run by the clock; their work rows stand in the outbox, so only the holder of a lease can save. */
export interface Schedules {
  /** Makes a job known, due in so many seconds at the latest. Again: nothing, or sooner where the period is shorter now. */
  ensure(name: string, firstInSeconds: number): Promise<void>;
  /**
   * Makes a run due in so many seconds (0 when not given), from `state` where one is given; a run that is under way goes
   * on, or starts anew from it. What is due sooner stays so.
   */
  request(name: string, state?: unknown, options?: { readonly inSeconds?: number }): Promise<void>;
  get(name: string): Promise<Schedule | undefined>;
  getByKey(key: string): Promise<Schedule | undefined>;
  /** Keeps what a step gave and says when the next one is due. False: the lease is another's by now, nothing was kept. */
  save(
    token: string,
    claimed: Claimed,
    step: { readonly nextInSeconds: number } & (
      { readonly done: false; readonly state: unknown } | { readonly done: true; readonly result: unknown }
    ),
  ): Promise<boolean>;
}

// -------------------------------------------------------------------------------------------------------- targets --

export type TargetState = "live" | "filling" | "retired";

/** One index that follows the rows. */
export interface IndexTarget {
  readonly name: string;
  readonly state: TargetState;
  /** Null until a worker has probed the embedder. */
  readonly model: string | null;
  readonly dims: number | null;
  /** The dimensions that were asked of the model; null: what it gives by itself. */
  readonly requestedDims: number | null;
  readonly calibration: Calibration | null;
  /** When every memory had got its work row; null: that is under way. */
  readonly filledAt: Date | null;
  /** When a target that was replaced is to end; until then it is followed, so that going back costs nothing. */
  readonly retireAt: Date | null;
}

/** How far a target is. Every memory whose index may differ has a work row, so no work means that it is complete. */
export interface TargetProgress {
  /** Memories that the index should hold. */
  readonly rows: number;
  /** Work that is due or under way; what only waits out a doubt is left out. */
  readonly pending: number;
  /** Waits for somebody to look at it; what was discarded is left out. */
  readonly parked: number;
  /** All work rows, doubts and discarded ones too: the index differs from the rows in these at most. */
  readonly work: number;
}

export interface IndexTargets {
  live(): Promise<IndexTarget>;
  /** The live target, then those that fill or are kept for a way back. */
  followed(): Promise<readonly IndexTarget[]>;
  /** All of them, whatever their state. */
  list(): Promise<readonly IndexTarget[]>;
  /**
   * Makes a target of the probed model follow the rows: the live one where it agrees or is fresh, else one that fills,
   * begun anew or resumed. Idempotent; safe from several workers at once.
   */
  adopt(probe: EmbedderProbe): Promise<IndexTarget>;
  /**
   * Gives a chunk of memories, from where the last one ended, their work rows in a filling target. `waiting`: writers
   * that do not know of the target yet are still under way.
   */
  backfill(name: string, limit: number): Promise<"waiting" | "more" | "filled">;
  progress(name: string): Promise<TargetProgress>;
  /** Makes a filling target the live one, in one commit; the live one is followed for so long. False: it is not filling. */
  promote(name: string, options: { readonly keepSeconds: number }): Promise<boolean>;
  /** Makes a filling target due to be retired at once. */
  giveUp(name: string): Promise<void>;
  /** Ends a target that is not live, and its work. False: it is live, or ended already. */
  retire(name: string): Promise<boolean>;
}

/** Where an embedder's cosines lie: `background` for unrelated texts, `related` for a question and its answer. */
export interface Calibration {
  readonly background: number;
  readonly related: number;
}

export interface EmbedderProbe {
  readonly model: string;
  readonly dims: number;
  readonly requestedDims: number | null;
  readonly calibration: Calibration;
}

// -------------------------------------------------------------------------------------------------------- vectors --

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
}

export interface VectorHit {
  readonly id: string;
  readonly version: number;
  /** Cosine similarity, -1..1. */
  readonly cosine: number;
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
  /** Makes the collection and its payload indexes; throws `invalid` when it exists with other dimensions. */
  prepare(collection: CollectionRef): Promise<void>;
  /** Makes the live collection known to outsiders under the configured name, where the index has names. */
  publish(collection: CollectionRef): Promise<void>;
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

// ---------------------------------------------------------------------------------------------------------- queue --

/** What a worker did with one ring, kept as the job's result so that a queue dashboard speaks. */
export interface BatchReport {
  readonly batches: number;
  readonly claimed: number;
  /** Embedded anew and upserted. */
  readonly embedded: number;
  /** Payload brought up to date, vector kept. */
  readonly updated: number;
  readonly deleted: number;
  readonly unchanged: number;
  readonly failed: number;
  readonly seconds: number;
}

/**
 * The bell: says that a batch of a topic is due. Carries no ids and nothing personal, may lose every ring, and never
 * blocks or fails a request: whoever misses a ring looks by itself one poll interval later.
 */
export interface Bell {
  /** Coalesced; about one job per `batchSize` pending. */
  ring(topic: string, options: { pending: number }): void;
  /** Calls `handler` for every ring until `stop`. */
  answer(
    topic: string,
    handler: () => Promise<BatchReport>,
    options: { concurrency: number },
  ): Promise<{ stop(): Promise<void> }>;
  ping(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

// --------------------------------------------------------------------------------------------------------- models --

export interface Embedding {
  readonly vectors: readonly Vector[];
  /** As the provider counts; 0 for one that costs nothing. */
  readonly tokens: number;
}

export interface Embedder {
  /** The model's name; part of the collection's. */
  readonly model: string;
  /** The dimensions that are asked of it; null: what it gives by itself. */
  readonly requestedDims: number | null;
  /** True: no provider; what it finds shares words or stems, not meaning. Said wherever it answers. */
  readonly lexical: boolean;
  /** One call for all texts, vectors in their order and of unit length. Throws `invalid`, `rate_limited`, `unavailable`. */
  embed(texts: readonly string[], signal: AbortSignal): Promise<Embedding>;
}

/** Work waits for its turn at the provider. The query of a search never does: it is charged, and work gives way. */
export type EmbedderUse = "work" | "search";

/** The models socket. Extraction joins it when conversations do. */
export interface Models {
  /** The configured one, for work: what memories are to be embedded with. */
  readonly embedder: Embedder;
  /** The one that a target was filled with; undefined where it cannot be had any more (its provider is not configured). */
  embedderOf(target: Pick<IndexTarget, "model" | "requestedDims">, use: EmbedderUse): Promise<Embedder | undefined>;
}

/** What is taken of what a provider allows. */
export interface ProviderUse {
  readonly requests: number;
  readonly tokens: number;
}

/** When a call may be made. */
export interface ProviderTurn {
  /** False: nothing was taken, because nothing is free before `waitMs`. */
  readonly granted: boolean;
  /** From now; 0: at once. */
  readonly waitMs: number;
}

/**
 * What one operation of one model may use of its provider, shared by all who call it. Turns are spread evenly and given
 * one after the other; whatever a call takes beyond what is free, those after it wait for.
 */
export interface ProviderBudget {
  /** Takes the next turn, where it comes within `patienceMs`: the call is then to be made in `waitMs`. */
  reserve(use: ProviderUse, options: { patienceMs: number }): Promise<ProviderTurn>;
  /** Takes without asking; less than nothing gives back. */
  charge(use: ProviderUse): Promise<void>;
  /** No turns for so long, because the provider has said so. Never shortens a pause. */
  pause(seconds: number): Promise<void>;
  /** How long there will be no turn; 0: there is one now. */
  waitMs(): Promise<number>;
}
