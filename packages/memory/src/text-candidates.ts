import { nthGreatest } from "./nth-greatest.ts";
import type { TextHit, TextHits } from "./ports/index.ts";

/** Of so many of the best hits the neighbours are looked up; they borrow from any hit. More changes nothing. */
export const NEIGHBOURED_MAX = 150;
/** How far a neighbour lends its words: three to either side (`lexicalScores`). */
export const NEIGHBOURS = 3;
/** Events without a session are of one talk as long as none is told later than this after the other. */
export const TALK_GAP_SECONDS = 600;

/** Of a question without a word, or of nobody's words. */
export const NO_HITS: TextHits = { hits: [], terms: [], documents: 0, averageLength: 0, documentFrequencies: {} };

/** What is known of a row before its neighbours are. */
export type TextCandidate = Omit<TextHit, "before" | "after">;
export type Statistics = Pick<TextHits, "documents" | "averageLength" | "documentFrequencies">;

/** In how many of the candidates each lexeme stands. */
export function frequenciesOf(candidates: readonly TextCandidate[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { frequencies } of candidates)
    for (const lexeme of Object.keys(frequencies)) counts.set(lexeme, (counts.get(lexeme) ?? 0) + 1);
  return Object.fromEntries(counts);
}

/**
 * The best `limit` by idf, a rough BM25 that chooses among thousands; `lexicalScores` ranks what is chosen. The first
 * `NEIGHBOURED_MAX` of them best first, equal ones by id; in what order the others are makes no difference to anything.
 */
export function bestOf<Candidate extends TextCandidate>(
  candidates: readonly Candidate[],
  wanted: ReadonlySet<string>,
  { documents, documentFrequencies, limit }: Statistics & { readonly limit: number },
): readonly Candidate[] {
  const weights = new Map<string, number>();
  for (const lexeme of wanted) {
    const known = Object.hasOwn(documentFrequencies, lexeme) ? (documentFrequencies[lexeme] ?? 0) : 0;
    weights.set(lexeme, Math.log(1 + (documents - known + 0.5) / (known + 0.5)));
  }
  const ranked = candidates.map((candidate) => ({ candidate, rank: rankOf(candidate, weights) }));
  const [first, others] = split(split(ranked, limit)[0], NEIGHBOURED_MAX);
  return [...first.sort(byRank), ...others].map(({ candidate }) => candidate);
}

interface RankedCandidate<Candidate extends TextCandidate> {
  readonly candidate: Candidate;
  readonly rank: number;
}

function rankOf({ frequencies }: TextCandidate, weights: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const lexeme of Object.keys(frequencies)) {
    const count = frequencies[lexeme] ?? 0;
    sum += ((weights.get(lexeme) ?? 0) * count) / (count + 1.2);
  }
  return sum;
}

const byRank = (left: RankedCandidate<TextCandidate>, right: RankedCandidate<TextCandidate>): number =>
  right.rank - left.rank || (left.candidate.id < right.candidate.id ? -1 : 1);

/** The best `count` and the others; ids are compared only where ranks are equal. */
function split<Ranked extends RankedCandidate<TextCandidate>>(
  ranked: Ranked[],
  count: number,
): [best: Ranked[], others: Ranked[]] {
  if (ranked.length <= count) return [ranked, []];
  const ranks = new Float64Array(ranked.length);
  for (const [at, { rank }] of ranked.entries()) ranks[at] = rank;
  const least = nthGreatest(ranks, count);
  const level = ranked.filter(({ rank }) => rank === least).sort(byRank);
  const best = ranked.filter(({ rank }) => rank > least);
  const free = count - best.length;
  return [
    [...best, ...level.slice(0, free)],
    [...level.slice(free), ...ranked.filter(({ rank }) => rank < least)],
  ];
}
