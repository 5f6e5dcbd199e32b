import { raiseShares, weighTerms, type WeighedTerm } from "./bm25.ts";
import { isDateLexeme } from "./day-span.ts";
import type { TextHits, TextTerm } from "./ports/index.ts";
import { scratch } from "./scratch.ts";
import { SparseNumbers } from "./sparse-numbers.ts";
import { frequencyOf } from "./text-candidates.ts";

/** What a memory says for those beside it: told one, two, three before it, and after it (retrieval.md, R7 step 5). */
const LENT_BY_BEFORE = [0.7, 0.5, 0.3] as const;
const LENT_BY_AFTER = [0.5, 0.3, 0.2] as const;

/**
 * A statement stands alone, unlike a turn of a talk, whose answer is in the next one: what it has by its neighbours and its
 * date raises it among others, but is never a right answer's worth (`TEXT_OF_RIGHT`). Without the bound a fact would
 * pass 0.7 for being told beside the one that is meant; it costs .2 points of recall@10 on statements, and none on turns.
 */
const BORROWED_MAX = 0.15;
/**
 * A turn of whom the question names, where it names one speaker alone: +2 recall@10 and +4 nDCG on turns, half a right
 * answer's worth. Questions that name the wrong one lose 8 (retrieval.md 5).
 */
const SPEAKER = 0.09;
/** A word of time where the question asks when: +.5 recall@10 on turns. */
const MARK = 0.045;

/** The speaker of a turn as a lexeme: engram.search_speaker in the migrations. */
export const speakerLexeme = (lexeme: string): string => `@who:${lexeme}`;

/** What words speak for the row at each place, 0..1. NaN: nothing. */
export interface TextScores {
  readonly ids: readonly string[];
  readonly scores: ArrayLike<number>;
}

/**
 * What words speak for each memory, 0..1: the sum of its terms' BM25 by what the question could reach at most, so that it
 * means the same for every question and store (0 nothing in common, about .2 half of the question's weight said once).
 * Each term counts by its own share or the best that a neighbour lends, whichever is more: a windowed BM25, which
 * finds what is said in the turn after the words (retrieval.md 3: +8 recall@10, where sums of scores give +3.5).
 * Neighbours that have none of the words are among the results, too. Independent of the order of what comes in.
 */
export function scoreText(text: TextHits): TextScores {
  const { ids } = text;
  const terms = weighTerms(text);
  const ceiling = terms.reduce((sum, term) => sum + term.ceiling, 0);
  const scores = new Float64Array(ids.length).fill(Number.NaN);
  if (ceiling > 0) scratch.use(() => addUp(scores, text, { terms, ceiling }));
  return { ids, scores };
}

function addUp(
  scores: Float64Array,
  text: TextHits,
  { terms, ceiling }: { readonly terms: readonly WeighedTerm[]; readonly ceiling: number },
): void {
  const places = scores.length;
  const loans = loansOf(text);
  const noLoans = { ofTurns: new Loan(0), ofStatements: new Loan(0) };
  const totals = { own: scratch.float64(places), borrowed: scratch.float64(places) };
  const shares = new SparseNumbers(places);
  const lent = { byTurns: new SparseNumbers(places), byStatements: new SparseNumbers(places) };
  const isDaysAlone = terms.every(({ term }) => term.isDay);
  for (const term of terms) {
    raiseShares(shares, text, term);
    if (term.term.isDay) addDay(totals, shares, isDaysAlone ? undefined : saying(text, term.term));
    else addWord(totals, shares, isSpeaker(text, term.term) ? noLoans : loans, lent);
    shares.clear();
  }

  const { own, borrowed } = totals;
  const bonuses = bonusesOf(text, terms);
  for (let place = 0; place < scores.length; place++) {
    if (own[place] === 0 && borrowed[place] === 0) continue;
    const more = Math.min(BORROWED_MAX, (borrowed[place] as number) / ceiling);
    scores[place] = Math.min(1, (own[place] as number) / ceiling + more + (bonuses[place] as number));
  }
}

/** The same by id; what nothing speaks for is not there. */
export function lexicalScores(text: TextHits): ReadonlyMap<string, number> {
  const { ids, scores } = scoreText(text);
  const byId = ids.map((id, place): [string, number] => [id, scores[place] ?? Number.NaN]);
  return new Map(byId.filter(([, score]) => !Number.isNaN(score)));
}

/** The share of turns of a talk among the hits, 0..1. */
export function turnShare({ hits, turns }: TextHits): number {
  let count = 0;
  for (let at = 0; at < hits.length; at++) count += turns[hits[at] as number] as number;
  return hits.length === 0 ? 0 : count / hits.length;
}

/** Of each memory by its place. */
interface Totals {
  /** By its words, and by turns beside it. */
  readonly own: Float64Array;
  /** By its date, and by statements beside it. */
  readonly borrowed: Float64Array;
}

/** Of two that stand side by side each lends to the other: `weights[n]` of what is at `from[n]` to what is at `to[n]`. */
class Loan {
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly weights: Float64Array;
  #count = 0;

  constructor(pairs: number) {
    this.from = scratch.int32(2 * pairs);
    this.to = scratch.int32(2 * pairs);
    this.weights = scratch.float64(2 * pairs);
  }

  add(from: number, to: number, weight: number): void {
    this.from[this.#count] = from;
    this.to[this.#count] = to;
    this.weights[this.#count++] = weight;
  }
}

/** What is beside a turn is a turn. */
interface Loans {
  readonly ofTurns: Loan;
  readonly ofStatements: Loan;
}

function loansOf({ neighbours: { hits, others, steps }, turns }: TextHits): Loans {
  let ofTurns = 0;
  for (let at = 0; at < hits.length; at++) if (turns[hits[at] as number] === 1) ofTurns += 1;
  const loans = { ofTurns: new Loan(ofTurns), ofStatements: new Loan(hits.length - ofTurns) };
  for (let at = 0; at < hits.length; at++) {
    const hit = hits[at] as number;
    const other = others[at] as number;
    const step = steps[at] as number;
    const own = turns[hit] === 1 ? loans.ofTurns : loans.ofStatements;
    const earlier = step < 0 ? other : hit;
    const later = step < 0 ? hit : other;
    own.add(earlier, later, LENT_BY_BEFORE[Math.abs(step) - 1] ?? 0);
    own.add(later, earlier, LENT_BY_AFTER[Math.abs(step) - 1] ?? 0);
  }
  return loans;
}

/** The session was of one day: neighbours have nothing to lend. `says`: 1 where a memory says it; absent: any that has it does. */
function addDay({ own, borrowed }: Totals, shares: SparseNumbers, says: Uint8Array | undefined): void {
  for (const place of shares.places) {
    const totals = says === undefined || says[place] === 1 ? own : borrowed;
    totals[place] = (totals[place] as number) + (shares.at[place] as number);
  }
}

/** `lent`: all zeros, and so it is left. */
function addWord(
  { own, borrowed }: Totals,
  shares: SparseNumbers,
  { ofTurns, ofStatements }: Loans,
  { byTurns, byStatements }: Lent,
): void {
  let best = shares;
  if (ofTurns.from.length > 0) {
    best = byTurns;
    for (const place of shares.places) best.raise(place, shares.at[place] as number);
    lend(best, shares, ofTurns);
  }
  lend(byStatements, shares, ofStatements);
  for (const place of best.places) own[place] = (own[place] as number) + (best.at[place] as number);
  for (const place of byStatements.places) {
    const more = (byStatements.at[place] as number) - (best.at[place] as number);
    if (more > 0) borrowed[place] = (borrowed[place] as number) + more;
  }
  byTurns.clear();
  byStatements.clear();
}

interface Lent {
  readonly byTurns: SparseNumbers;
  readonly byStatements: SparseNumbers;
}

/** Raises what is lent to each to the best that it is lent. */
function lend(best: SparseNumbers, shares: SparseNumbers, { from, to, weights }: Loan): void {
  for (let at = 0; at < from.length; at++) {
    const share = shares.at[from[at] as number] as number;
    if (share > 0) best.raise(to[at] as number, share * (weights[at] as number));
  }
}

/** 1 where a day is said in words, and not only by the memory's date. */
function saying({ ids, postings }: TextHits, { lexemes }: TextTerm): Uint8Array {
  const says = scratch.uint8(ids.length);
  for (const lexeme of lexemes) {
    const places = isDateLexeme(lexeme) ? [] : (postings.get(lexeme)?.places ?? []);
    for (let at = 0; at < places.length; at++) says[places[at] as number] = 1;
  }
  return says;
}

/** A name that turns are spoken under is in every second turn: lent, it would tell nothing any more. */
const isSpeaker = (text: TextHits, term: TextTerm): boolean =>
  !term.isDay && term.lexemes.some((lexeme) => frequencyOf(text, speakerLexeme(lexeme)) > 0);

/** What a hit is worth beside its words. */
function bonusesOf(text: TextHits, terms: readonly WeighedTerm[]): Float64Array {
  const { hits, marked, turns, ids } = text;
  const bonuses = scratch.float64(ids.length);
  for (let at = 0; at < hits.length; at++) if (marked[hits[at] as number] === 1) bonuses[hits[at] as number] = MARK;
  const speaker = onlySpeaker(text, terms);
  const places = text.postings.get(speaker ?? "")?.places ?? [];
  for (let at = 0; at < places.length; at++) {
    const place = places[at] as number;
    if (turns[place] === 1) bonuses[place] = (bonuses[place] as number) + SPEAKER;
  }
  return bonuses;
}

/** The speaker whom the question names; undefined where it names none, or more than one. */
function onlySpeaker(text: TextHits, terms: readonly WeighedTerm[]): string | undefined {
  const named = terms.filter(({ term }) => isSpeaker(text, term));
  const [lexeme] = named[0]?.term.lexemes ?? [];
  return named.length === 1 && lexeme !== undefined ? speakerLexeme(lexeme) : undefined;
}
