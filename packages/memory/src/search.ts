import { beforeDeadline, poolOf, timed } from "./arms.ts";
import { MemoryError } from "./errors.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { EVENT_TYPE, type Memory } from "./memory.ts";
import type { MemoryStore, TextHits, TextQuery } from "./ports/index.ts";
import { rank } from "./rank.ts";
import type { Arm, Degradation, SearchDeps, SearchRequest, SearchResult } from "./search-request.ts";
import { NO_HITS } from "./text-candidates.ts";
import { textQueryOf } from "./text-query.ts";
import { searchVectors } from "./vector-arm.ts";
import { heldFingerprints } from "./working-set/held-fingerprints.ts";
import { searchWords as searchWordsIn } from "./working-set/search-words.ts";
import type { HeldRows } from "./working-set/seen-rows.ts";

/** Rows with a word in common. So many because each lends its neighbours what it has: 150 cost 1.5 points of recall@10. */
const TEXT_POOL_MIN = 600;
/** Without a query: so many times more where repetitions fill the answer, and no further than this. */
const RECENT_GROWTH = 4;
const RECENT_MAX = 10_000;

/**
 * Searches never say no: words answer as soon as a memory is committed, vectors join in when the embedder and the index
 * are there in time. Every hit is joined back to its row under the caller's scope, or looked up by its id, version and owner
 * where it is held, and a vector hit counts only for the version that was embedded, so that a stale, foreign or orphaned point
 * is never returned.
 */
export async function search(
  given: SearchDeps,
  request: SearchRequest,
  { holding = NOBODY, deadline = AbortSignal.timeout(given.deadlineMs) }: Held = {},
): Promise<SearchResult> {
  const timings = new Map<Arm, number>();
  const deps: SearchDeps = {
    ...given,
    onArm: (arm, outcome, seconds) => {
      timings.set(arm, (timings.get(arm) ?? 0) + seconds * 1_000);
      given.onArm?.(arm, outcome, seconds);
    },
  };
  return { ...(await searchArms(deps, request, { holding, deadline })), timings };
}

interface Held {
  /** Undefined: the stores are asked. */
  readonly holding?: Promise<HeldRows | undefined>;
  /** After this an arm is left behind. Absent: `deadlineMs` from now. */
  readonly deadline?: AbortSignal;
}

const NOBODY = Promise.resolve(undefined);

async function searchArms(
  deps: SearchDeps,
  request: SearchRequest,
  { holding, deadline }: Required<Held>,
): Promise<Omit<SearchResult, "timings">> {
  if (request.query === undefined) {
    const memories = await recentDistinct(deps.store, request);
    return { memories: memories.map((memory) => ({ ...memory, score: 1 })), degraded: [] };
  }
  const { query } = request;
  const asked = textQueryOf(query, request.queryTime ?? new Date(), request.utcOffsetMinutes);
  const words = timed(deps, "text", () => searchWords(deps, asked, request, holding));
  const arms = [inTime(words, deadline), searchVectors(deps, query, request, { holding, deadline })] as const;
  const [text, vectors] = await Promise.all(arms);
  const embeddingFault = vectors.degraded.find((one) => one.code === "embedder_unavailable");
  if (request.strict && embeddingFault !== undefined)
    throw new MemoryError("internal", "Error generating embeddings", { cause: vectors.cause });
  const held = await holding;
  const rankBy = (found: TextHits) =>
    rank(deps.store, { ...request, query }, found, vectors, held && heldFingerprints(held.set));
  if (text !== undefined || vectors.hits === undefined) return rankBy(text ?? (await words));
  const result = await rankBy(NO_HITS);
  return { ...result, degraded: [...result.degraded, WITHOUT_WORDS] };
}

async function searchWords(
  { store }: SearchDeps,
  query: TextQuery,
  request: SearchRequest,
  holding: Promise<HeldRows | undefined>,
): Promise<TextHits> {
  const limit = poolOf(TEXT_POOL_MIN, request);
  const held = await holding;
  if (held === undefined) return store.searchText(query, request.filter, limit);
  return searchWordsIn(held.set, held.seen, { query, analysed: await store.analyseQuery(query), limit });
}

const WITHOUT_WORDS: Degradation = { code: "deadline", message: "No words in time; vectors answer alone" };

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
