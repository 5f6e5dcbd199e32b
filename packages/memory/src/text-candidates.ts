import { nthGreatest } from "./nth-greatest.ts";
import type { Neighbours, Postings, TextHits } from "./ports/index.ts";
import { scratch } from "./scratch.ts";

/** Of so many of the best hits the neighbours are looked up; they borrow from any hit. More changes nothing. */
export const NEIGHBOURED_MAX = 150;
/** How far a neighbour lends its words: three to either side (`scoreText`). */
export const NEIGHBOURS = 3;
/** Events without a session are of one talk as long as none is told later than this after the other. */
export const TALK_GAP_SECONDS = 600;

export const NO_NEIGHBOURS: Neighbours = { hits: [], others: [], steps: [] };

/** Of a question without a word, or of nobody's words. */
export const NO_HITS: TextHits = {
  ids: [],
  hits: [],
  lengths: [],
  turns: [],
  marked: [],
  postings: new Map(),
  neighbours: NO_NEIGHBOURS,
  terms: [],
  documents: 0,
  averageLength: 0,
  documentFrequencies: new Map(),
};

/** What is known of rows before their neighbours are. */
export type TextCandidates = Pick<TextHits, "ids" | "hits" | "lengths" | "turns" | "marked" | "postings">;
export type Statistics = Pick<TextHits, "documents" | "averageLength" | "documentFrequencies">;

/** In how many of the candidates each lexeme stands. */
export function frequenciesOf(postings: TextCandidates["postings"]): ReadonlyMap<string, number> {
  return new Map(Array.from(postings, ([lexeme, { places }]) => [lexeme, places.length]));
}

export function frequencyOf({ documentFrequencies }: Pick<Statistics, "documentFrequencies">, lexeme: string): number {
  return documentFrequencies.get(lexeme) ?? 0;
}

/**
 * The best `limit` by idf, a rough BM25 that chooses among thousands; `scoreText` ranks what is chosen. The best
 * `NEIGHBOURED_MAX` of them come first, of equal ones those with the lesser id; their order makes no difference to a ranking.
 */
export function bestOf(
  candidates: TextCandidates,
  wanted: ReadonlySet<string>,
  { limit, ...statistics }: Omit<Statistics, "averageLength"> & { readonly limit: number },
): TextCandidates {
  if (candidates.hits.length <= Math.min(limit, NEIGHBOURED_MAX)) return candidates;
  return scratch.use(() => chooseBest(candidates, ranksOf(candidates, wanted, statistics), limit));
}

function ranksOf(
  { ids, postings }: TextCandidates,
  wanted: ReadonlySet<string>,
  statistics: Omit<Statistics, "averageLength">,
): Float64Array {
  const ranks = scratch.float64(ids.length);
  for (const lexeme of wanted) {
    const { places, counts } = postings.get(lexeme) ?? NOWHERE;
    const known = frequencyOf(statistics, lexeme);
    const weight = Math.log(1 + (statistics.documents - known + 0.5) / (known + 0.5));
    for (let at = 0; at < places.length; at++) {
      const count = counts[at] as number;
      ranks[places[at] as number] = (ranks[places[at] as number] as number) + (weight * count) / (count + 1.2);
    }
  }
  return ranks;
}

function chooseBest(candidates: TextCandidates, ranks: Float64Array, limit: number): TextCandidates {
  const { ids, postings } = candidates;
  const all = Int32Array.from(candidates.hits);
  putBestFirst(all, { ids, ranks, count: limit });
  const hits = all.subarray(0, limit);
  putBestFirst(hits, { ids, ranks, count: NEIGHBOURED_MAX });
  return { ...candidates, hits, postings: hits.length < all.length ? keepAmong(postings, hits, ids.length) : postings };
}

const NOWHERE: Postings = { places: [], counts: [] };

/** The best `count` before the others; ids are compared only where ranks are equal. */
function putBestFirst(
  places: Int32Array,
  { ids, ranks, count }: { readonly ids: readonly string[]; readonly ranks: Float64Array; readonly count: number },
): void {
  if (places.length <= count) return;
  const own = scratch.float64(places.length);
  for (let at = 0; at < places.length; at++) own[at] = ranks[places[at] as number] as number;
  const least = nthGreatest(own, count);
  const sorted = scratch.int32(places.length);
  const level: number[] = [];
  let [from, to] = [0, places.length];
  for (let at = 0; at < places.length; at++) {
    const place = places[at] as number;
    const rank = ranks[place] as number;
    if (rank > least) sorted[from++] = place;
    else if (rank === least) level.push(place);
    else sorted[--to] = place;
  }
  if (from + level.length > count) level.sort((one, other) => ((ids[one] as string) < (ids[other] as string) ? -1 : 1));
  sorted.set(level, from);
  places.set(sorted);
}

function keepAmong(postings: TextCandidates["postings"], hits: Int32Array, length: number): TextCandidates["postings"] {
  const isKept = scratch.uint8(length);
  for (const place of hits) isKept[place] = 1;
  return new Map(Array.from(postings, ([lexeme, all]) => [lexeme, keepPostings(all, isKept)]));
}

/** Those at the places that are marked with 1. */
export function keepPostings(all: Postings, isKept: Uint8Array): Postings {
  let kept = 0;
  for (let at = 0; at < all.places.length; at++) kept += isKept[all.places[at] as number] as number;
  if (kept === all.places.length) return all;
  const [places, counts] = [new Uint32Array(kept), new Uint16Array(kept)];
  for (let at = 0, to = 0; to < kept; at++) {
    const place = all.places[at] as number;
    if (isKept[place] !== 1) continue;
    places[to] = place;
    counts[to++] = all.counts[at] as number;
  }
  return { places, counts };
}
