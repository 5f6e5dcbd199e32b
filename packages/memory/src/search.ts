import { MemoryError, toMemoryError } from "./errors.ts";
import type { Explanation } from "./explain.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { EVENT_TYPE, type Memory } from "./memory.ts";
import type {
  CollectionRef,
  Embedder,
  IndexTarget,
  MemoryStore,
  TextHits,
  VectorHit,
  VectorIndex,
} from "./ports/index.ts";
import type { QueryVectors } from "./query-vectors.ts";
import { rank } from "./rank.ts";
import type { MemoryFilter } from "./scope.ts";
import { idsOf, MANY_USERS, tenantsOf } from "./search-reach.ts";
import { textQueryOf } from "./text-query.ts";
import type { Vector } from "./vector.ts";

/** Candidates from the vectors; half of it costs .3 points of recall@10, ten times as many give another .5. */
const VECTOR_POOL_MIN = 200;
/** Rows with a word in common. So many because each lends its neighbours what it has: 150 cost 1.5 points of recall@10. */
const TEXT_POOL_MIN = 600;
/** Without a query: so many times more where repetitions fill the answer, and no further than this. */
const RECENT_GROWTH = 4;
const RECENT_MAX = 10_000;
export interface SearchDeps {
  readonly store: MemoryStore;
  readonly index: VectorIndex;
  /**
   * The live target, its collection (undefined until a worker has probed an embedder) and the embedder that filled it
   * (undefined when it cannot be had any more). May be a few seconds old.
   */
  readonly live: () => Promise<{
    readonly target: IndexTarget;
    readonly collection: CollectionRef | undefined;
    readonly embedder: Embedder | undefined;
  }>;
  readonly queryVectors: QueryVectors;
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

/**
 * Searches never say no: words answer as soon as a memory is committed, vectors join in when the embedder and the index
 * are there in time. Every hit is joined back to its row under the caller's scope, and a vector hit counts only for the
 * version that was embedded, so that a stale, foreign or orphaned point is never returned.
 */
export async function search(given: SearchDeps, request: SearchRequest): Promise<SearchResult> {
  const timings = new Map<Arm, number>();
  const deps: SearchDeps = {
    ...given,
    onArm: (arm, outcome, seconds) => {
      timings.set(arm, (timings.get(arm) ?? 0) + seconds * 1_000);
      given.onArm?.(arm, outcome, seconds);
    },
  };
  return { ...(await searchArms(deps, request)), timings };
}

async function searchArms(deps: SearchDeps, request: SearchRequest): Promise<Omit<SearchResult, "timings">> {
  if (request.query === undefined) {
    const memories = await recentDistinct(deps.store, request);
    return { memories: memories.map((memory) => ({ ...memory, score: 1 })), degraded: [] };
  }
  const { query } = request;
  const asked = textQueryOf(query, request.queryTime ?? new Date(), request.utcOffsetMinutes);
  const deadline = AbortSignal.timeout(deps.deadlineMs);
  const words = timed(deps, "text", deps.store.searchText(asked, request.filter, poolOf(TEXT_POOL_MIN, request)));
  const [text, vectors] = await Promise.all([inTime(words, deadline), searchVectors(deps, query, request, deadline)]);
  const embeddingFault = vectors.degraded.find((one) => one.code === "embedder_unavailable");
  if (request.strict && embeddingFault !== undefined)
    throw new MemoryError("internal", "Error generating embeddings", { cause: vectors.cause });
  if (text !== undefined || vectors.hits === undefined)
    return rank(deps.store, { ...request, query }, text ?? (await words), vectors);
  const result = await rank(deps.store, { ...request, query }, NO_WORDS, vectors);
  return { ...result, degraded: [...result.degraded, WITHOUT_WORDS] };
}

const WITHOUT_WORDS: Degradation = { code: "deadline", message: "No words in time; vectors answer alone" };
const NO_WORDS: TextHits = {
  hits: [],
  terms: [],
  documents: 0,
  averageLength: 0,
  documentFrequencies: {},
};

/** Undefined: not before the deadline; it may still come. Throws what the promise throws until then. */
async function inTime<T>(promise: Promise<T>, deadline: AbortSignal): Promise<T | undefined> {
  try {
    return await beforeDeadline(promise, deadline);
  } catch (error) {
    if (deadline.aborted) return undefined;
    throw error;
  }
}

/**
 * The newest, each state once: asks for more while repetitions leave the limit unfilled and there is more. Of events every
 * one counts here, for they tell what went on.
 */
async function recentDistinct(store: MemoryStore, { filter, limit }: SearchRequest): Promise<readonly Memory[]> {
  const keyOf = (memory: Memory): string => (memory.type === EVENT_TYPE ? memory.id : fingerprintOf(memory));
  for (let asked = limit; ; asked *= RECENT_GROWTH) {
    const memories = await store.recentMemories(filter, asked);
    const distinct = new Map(memories.toReversed().map((memory) => [keyOf(memory), memory]));
    if (distinct.size >= limit || memories.length < asked || asked >= RECENT_MAX)
      return memories.filter((memory) => distinct.get(keyOf(memory)) === memory).slice(0, limit);
  }
}

/** What the vectors found. */
export interface VectorArm {
  /** Undefined: nothing was asked, or nothing came. */
  readonly hits: readonly VectorHit[] | undefined;
  /** How many were asked for; as many hits as that, and there may be more. */
  readonly pool: number;
  readonly target: IndexTarget | undefined;
  readonly degraded: readonly Degradation[];
  readonly cause?: unknown;
  /**
   * The same with a larger pool; absent where none can be asked for. Never throws: what cannot be had in time leaves the
   * hits as they are, and says so.
   */
  readonly askOn?: (pool: number) => Promise<VectorArm>;
}

async function searchVectors(
  deps: SearchDeps,
  query: string,
  request: SearchRequest,
  deadline: AbortSignal,
): Promise<VectorArm> {
  const without = (code: Degradation["code"], message: string, cause?: unknown): VectorArm => ({
    hits: undefined,
    pool: 0,
    target: undefined,
    degraded: [{ code, message }],
    cause,
  });
  const { target, collection, embedder } = await deps.live();
  if (collection === undefined)
    return without("index_not_ready", "No worker has prepared the index yet; words answer alone");
  if (embedder === undefined)
    return without(
      "other_model",
      `The index holds vectors of ${collection.model}, whose provider is not configured; words answer alone until a worker has rebuilt it`,
    );

  let vector: Vector;
  try {
    vector = await timed(deps, "embed", beforeDeadline(deps.queryVectors(embedder, query), deadline));
  } catch (error) {
    if (deadline.aborted)
      return without("deadline", `No embedding within ${deps.deadlineMs} ms; words answer alone`, error);
    return without("embedder_unavailable", `${toMemoryError(error).message}; words answer alone`, error);
  }
  const tenants = tenantsOf(deps, request.filter);
  const ids = idsOf(deps, request.filter);
  const ask = async (pool: number): Promise<VectorArm> => {
    const found = Promise.all([tenants, ids]).then(async ([known, only]) => ({
      areAll: known.areAll,
      hits: await deps.index.search(
        collection,
        {
          vector,
          filter: request.filter,
          tenants: known.tenants,
          limit: pool,
          now: new Date(),
          ...(only === undefined ? {} : { ids: only }),
        },
        deadline,
      ),
    }));
    const { hits, areAll } = await timed(deps, "vectors", beforeDeadline(found, deadline));
    const degraded = [...(embedder.lexical ? [LEXICAL] : []), ...(areAll ? [] : [MANY_USERS])];
    const arm = { hits, pool, target, degraded };
    return {
      ...arm,
      askOn: (larger) => ask(larger).catch((cause: unknown) => ({ ...arm, ...cutShort(deadline, arm, cause) })),
    };
  };
  try {
    return await ask(poolOf(VECTOR_POOL_MIN, request));
  } catch (error) {
    if (deadline.aborted)
      return without("deadline", `No vectors within ${deps.deadlineMs} ms; words answer alone`, error);
    return without("vectors_unavailable", `${toMemoryError(error).message}; words answer alone`, error);
  }
}

const LEXICAL: Degradation = {
  code: "lexical_embeddings",
  message: "No model is configured: embeddings are lexical and match words and stems, not meaning",
};

/** The nearest points were out of date, and the index did not come to give further ones. */
function cutShort(
  deadline: AbortSignal,
  { degraded }: Pick<VectorArm, "degraded">,
  cause: unknown,
): Pick<VectorArm, "degraded" | "cause"> {
  const code = deadline.aborted ? "deadline" : "vectors_unavailable";
  const message = "Many points of the index are out of date, and it gave no further ones in time";
  return { degraded: [...degraded, { code, message }], cause };
}

/** Of an arm that may have to answer alone: as many repetitions as answers leave the limit filled. */
const poolOf = (min: number, { limit }: SearchRequest): number => Math.max(min, 2 * limit);

/** Rejects at the deadline even when the call underneath does not listen to its signal. */
function beforeDeadline<T>(promise: Promise<T>, deadline: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new MemoryError("unavailable", "deadline passed"));
    if (deadline.aborted) late();
    deadline.addEventListener("abort", late, { once: true });
    promise.then(resolve, reject).finally(() => deadline.removeEventListener("abort", late));
  });
}

async function timed<T>(deps: SearchDeps, arm: Arm, promise: Promise<T>): Promise<T> {
  const started = performance.now();
  const report = (outcome: "ok" | "failed"): void => deps.onArm?.(arm, outcome, (performance.now() - started) / 1000);
  try {
    const value = await promise;
    report("ok");
    return value;
  } catch (error) {
    report("failed");
    throw error;
  }
}
