import { scaleFor } from "./calibration.ts";
import { explain } from "./explain.ts";
import { hashFingerprint } from "./fingerprint.ts";
import { candidatesOf, rankCandidates, type Ranked } from "./fuse.ts";
import { isUuid } from "./ids.ts";
import { scoreText, turnShare } from "./lexical.ts";
import type { Memory } from "./memory.ts";
import type { MemoryStore, TextHits, VectorHit } from "./ports/index.ts";
import type { SearchRequest, SearchResult } from "./search-request.ts";
import type { VectorArm } from "./vector-arm.ts";

/** The vector arm asks on with so many times the pool while too little of what it found stands, and no further than this. */
const POOL_GROWTH = 4;
const POOL_MAX = 10_000;

/**
 * Rows of the first join; each further one takes twice as many, so that thousands of dead points cost a few. Where it is known
 * what has a vector nothing moves up once rows are there, and few are needed but those that are asked for.
 */
const JOIN_MIN = 20;
const JOIN_SPARE = 2;

/**
 * Joins candidates to their rows, best first, until `limit` stand that say different things. A row that is gone drops out; a
 * vector hit of another version loses its cosine, and the ranking is made anew. Where the nearest points are dead, the
 * index is asked for further ones, so that they cost a true hit neither its place nor its being found. What may have no
 * vector yet is taken to have none until its row says otherwise: that places it no lower, so whatever belongs to the best
 * is joined. Every round learns of something or asks for more, so the loop ends. `fingerprintOf`: equal for rows that say the
 * same.
 */
export async function rank(
  store: Pick<MemoryStore, "findMemories">,
  request: SearchRequest & { readonly query: string },
  text: TextHits,
  vectors: VectorArm,
  fingerprintOf: (row: Memory) => number = hashFingerprint,
): Promise<Omit<SearchResult, "timings">> {
  const textScores = scoreText(text);
  const shareOfTurns = turnShare(text);
  const rows = new Map<string, Memory>();
  const gone = new Set<string>();
  const fingerprints = new Map<string, number>();
  const saidBy = (id: string): number | undefined => {
    const row = rows.get(id);
    const said = fingerprints.get(id) ?? (row && fingerprintOf(row));
    if (said !== undefined) fingerprints.set(id, said);
    return said;
  };
  const stands = (hit: VectorHit): boolean =>
    !gone.has(hit.id) && (rows.get(hit.id)?.version ?? hit.version) === hit.version;
  const calibration = vectors.target?.calibration ?? null;
  const scale = calibration === null ? null : scaleFor(calibration, request.query);
  let arm = vectors;
  let standing = arm.hits;
  let candidates = candidatesOf(standing, textScores, arm.placed);
  const { hasVector } = vectors;
  /** Undefined: something was learnt since that may change it. */
  let ranked: readonly Ranked[] | undefined;
  let joinSize = hasVector === undefined ? Math.max(JOIN_MIN, request.limit) : request.limit + JOIN_SPARE;

  for (;;) {
    const vectorPoolFull = arm.hits !== undefined && arm.hits.length >= arm.pool;
    const fusion = {
      turnShare: shareOfTurns,
      calibration: scale,
      hasVector: hasVector ?? ((id: string) => vectorPoolFull && rows.get(id)?.indexStatus === "indexed"),
    };
    let best = takeDistinct(ranked ?? [], saidBy, request.limit);
    if (ranked === undefined || best.length < request.limit) {
      // Enough: of these either each has its row, or as many as are joined have none.
      const count = rows.size + joinSize;
      ranked = rankCandidates(candidates, { ...fusion, gone, threshold: request.threshold, count });
      best = takeDistinct(ranked, saidBy, request.limit);
    }
    if (best.every((one) => rows.has(one.id))) {
      const isStarved =
        vectorPoolFull &&
        ((standing?.length ?? 0) < request.limit || hidesFurther(standing ?? [], ranked, best, request));
      if (isStarved && arm.askOn !== undefined && arm.pool < POOL_MAX) {
        arm = await arm.askOn(Math.min(POOL_MAX, arm.pool * POOL_GROWTH));
        standing = arm.hits?.filter(stands);
        candidates = candidatesOf(standing, textScores);
        ranked = undefined;
        continue;
      }
      const memories = best.flatMap(({ id, score }) => {
        const row = rows.get(id);
        return row === undefined ? [] : [{ ...row, score }];
      });
      if (request.explain !== true) return { memories, degraded: arm.degraded };
      const answered = new Set(best.map(({ id }) => id));
      const fused = rankCandidates(candidates, fusion);
      const ranking = { fused, answered, rows, gone, vectorHits: arm.hits, standing, text, scale };
      return { memories, degraded: arm.degraded, explanation: await explain(store, request, ranking) };
    }

    const wanted = ranked.filter((one) => !rows.has(one.id)).slice(0, joinSize);
    joinSize *= 2;
    // Of an index that is not ours; what is held has a version and was read by its id.
    const ids = wanted.flatMap(({ id, version }) => (version !== undefined || isUuid(id) ? [id] : []));
    const found = new Map((await store.findMemories(ids, request.filter)).map((row) => [row.id, row]));
    for (const { id } of wanted) {
      const row = found.get(id);
      if (row === undefined) gone.add(id);
      else rows.set(id, row);
    }
    const isAsHeld = wanted.every(({ id, version }) => version !== undefined && rows.get(id)?.version === version);
    if (isAsHeld && hasVector !== undefined) continue;
    ranked = undefined;
    const left = standing?.filter(stands);
    // None comes back: as many are the same ones.
    if (left?.length === standing?.length) continue;
    standing = left;
    candidates = candidatesOf(standing, textScores);
  }
}

/** Repetitions took up the pool: too few say different things, and what lies beyond the least hit may pass as it does. */
function hidesFurther(
  hits: readonly VectorHit[],
  ranked: readonly Ranked[],
  best: readonly Ranked[],
  { limit }: SearchRequest,
): boolean {
  if (best.length >= limit) return false;
  const passing = new Set(ranked.map(({ id }) => id));
  return hits.every(({ id }) => passing.has(id));
}

/**
 * The best `limit` of what is ranked, each said once: of memories with the same words the best one stands. What is not
 * joined yet is taken to say something of its own.
 */
function takeDistinct(
  ranked: readonly Ranked[],
  saidBy: (id: string) => number | undefined,
  limit: number,
): readonly Ranked[] {
  const said = new Set<number>();
  const taken: Ranked[] = [];
  for (const one of ranked) {
    if (taken.length >= limit) break;
    const words = saidBy(one.id);
    if (words !== undefined && said.has(words)) continue;
    if (words !== undefined) said.add(words);
    taken.push(one);
  }
  return taken;
}
