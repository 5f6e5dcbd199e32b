import { nthGreatest } from "./nth-greatest.ts";
import type { Neighbours, Postings, TextHits } from "./ports/index.ts";

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
  documentFrequencies: {},
};

/** What is known of rows before their neighbours are. */
export type TextCandidates = Pick<TextHits, "ids" | "hits" | "lengths" | "turns" | "marked" | "postings">;
export type Statistics = Pick<TextHits, "documents" | "averageLength" | "documentFrequencies">;

/** In how many of the candidates each lexeme stands. */
export function frequenciesOf(postings: TextCandidates["postings"]): Readonly<Record<string, number>> {
  return Object.fromEntries(Array.from(postings, ([lexeme, { places }]) => [lexeme, places.length]));
}

/** Own keys alone: a row may well hold the lexeme `constructor`. */
export function frequencyOf({ documentFrequencies }: Pick<Statistics, "documentFrequencies">, lexeme: string): number {
  return Object.hasOwn(documentFrequencies, lexeme) ? (documentFrequencies[lexeme] ?? 0) : 0;
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
  const { ids, hits, postings } = candidates;
  if (hits.length <= Math.min(limit, NEIGHBOURED_MAX)) return candidates;
  const ranks = new Float64Array(ids.length);
  for (const lexeme of wanted) {
    const { places, counts } = postings.get(lexeme) ?? NOWHERE;
    const known = frequencyOf(statistics, lexeme);
    const weight = Math.log(1 + (statistics.documents - known + 0.5) / (known + 0.5));
    for (let at = 0; at < places.length; at++) {
      const count = counts[at] as number;
      ranks[places[at] as number] = (ranks[places[at] as number] as number) + (weight * count) / (count + 1.2);
    }
  }
  const [best, dropped] = split(Array.from(hits), { ids, ranks, count: limit });
  const [first, others] = split(best, { ids, ranks, count: NEIGHBOURED_MAX });
  const chosen = { ...candidates, hits: [...first, ...others] };
  return dropped.length === 0 ? chosen : { ...chosen, postings: keepAmong(postings, chosen.hits, ids.length) };
}

const NOWHERE: Postings = { places: [], counts: [] };

/** The best `count` and the others; ids are compared only where ranks are equal. */
function split(
  places: readonly number[],
  { ids, ranks, count }: { readonly ids: readonly string[]; readonly ranks: Float64Array; readonly count: number },
): readonly [best: readonly number[], others: readonly number[]] {
  if (places.length <= count) return [places, []];
  const own = new Float64Array(places.length);
  for (let at = 0; at < places.length; at++) own[at] = ranks[places[at] as number] as number;
  const least = nthGreatest(own, count);
  const best: number[] = [];
  const level: number[] = [];
  const others: number[] = [];
  for (const place of places) {
    const rank = ranks[place] as number;
    (rank > least ? best : rank === least ? level : others).push(place);
  }
  const free = count - best.length;
  if (free < level.length) level.sort((left, right) => ((ids[left] as string) < (ids[right] as string) ? -1 : 1));
  return [
    [...best, ...level.slice(0, free)],
    [...level.slice(free), ...others],
  ];
}

function keepAmong(
  postings: TextCandidates["postings"],
  hits: readonly number[],
  length: number,
): TextCandidates["postings"] {
  const isKept = new Uint8Array(length);
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
