import { frequencyOf, termShares, type TermShares } from "./bm25.ts";
import { isDateLexeme } from "./day-span.ts";
import type { TextHit, TextHits, TextTerm } from "./ports/index.ts";

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

/** What words speak for hits, in their order, and then for those that stand beside them, each once, 0..1. NaN: nothing. */
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
  const terms = termShares(text);
  const ceiling = terms.reduce((sum, term) => sum + term.ceiling, 0);
  if (ceiling === 0) return { ids: [], scores: [] };
  const { ids, loans } = neighbourhood(text);
  const totals = { own: new Float64Array(ids.length), borrowed: new Float64Array(ids.length) };
  const isDaysAlone = terms.every(({ term }) => term.isDay);
  const speaker = onlySpeaker(text, terms);
  for (const term of terms)
    if (term.term.isDay) addDay(totals, text, term, isDaysAlone);
    else addWord(totals, term.shares, isSpeaker(text, term) ? NO_LOANS : loans);

  const scores = new Float64Array(ids.length).fill(Number.NaN);
  for (let place = 0; place < ids.length; place++) {
    const own = totals.own[place] ?? 0;
    const borrowed = totals.borrowed[place] ?? 0;
    if (own === 0 && borrowed === 0) continue;
    const hit = text.hits[place];
    const bonus = hit === undefined ? 0 : bonusOf(hit, speaker);
    scores[place] = Math.min(1, own / ceiling + Math.min(BORROWED_MAX, borrowed / ceiling) + bonus);
  }
  return { ids, scores };
}

/** The same by id; what nothing speaks for is not there. */
export function lexicalScores(text: TextHits): ReadonlyMap<string, number> {
  const { ids, scores } = scoreText(text);
  const byId = ids.map((id, place): [string, number] => [id, scores[place] ?? Number.NaN]);
  return new Map(byId.filter(([, score]) => !Number.isNaN(score)));
}

/** The share of turns of a talk among the hits, 0..1. */
export function turnShare({ hits }: TextHits): number {
  return hits.length === 0 ? 0 : hits.filter((hit) => hit.isTurn).length / hits.length;
}

/** Of each memory by its place. */
interface Totals {
  /** By its words, and by turns beside it. */
  readonly own: Float64Array;
  /** By its date, and by statements beside it. */
  readonly borrowed: Float64Array;
}

/** Of two that stand side by side each lends to the other. */
interface Loan {
  readonly from: number;
  readonly to: number;
  readonly weight: number;
}

/** What is beside a turn is a turn. */
interface Loans {
  readonly ofTurns: readonly Loan[];
  readonly ofStatements: readonly Loan[];
}

const NO_LOANS: Loans = { ofTurns: [], ofStatements: [] };

/** Ids of the hits in their order, then of the others that stand beside them, and what they lend, by their places. */
function neighbourhood({ hits }: TextHits): { readonly ids: readonly string[]; readonly loans: Loans } {
  const ids = hits.map(({ id }) => id);
  // As nearly all that is told outside of a talk.
  if (hits.every(({ before, after }) => before.length === 0 && after.length === 0)) return { ids, loans: NO_LOANS };
  const places = new Map(ids.map((id, place) => [id, place]));
  const placeOf = (id: string): number => {
    const place = places.get(id) ?? ids.push(id) - 1;
    places.set(id, place);
    return place;
  };
  const ofTurns: Loan[] = [];
  const ofStatements: Loan[] = [];
  for (const [place, { before, after, isTurn }] of hits.entries()) {
    const loans = isTurn ? ofTurns : ofStatements;
    const exchange = (earlier: number, later: number, at: number): void => {
      loans.push({ from: earlier, to: later, weight: LENT_BY_BEFORE[at] ?? 0 });
      loans.push({ from: later, to: earlier, weight: LENT_BY_AFTER[at] ?? 0 });
    };
    before.forEach((other, at) => exchange(placeOf(other), place, at));
    after.forEach((other, at) => exchange(place, placeOf(other), at));
  }
  return { ids, loans: { ofTurns, ofStatements } };
}

/** The session was of one day: neighbours have nothing to lend. */
function addDay({ own, borrowed }: Totals, { hits }: TextHits, { term, shares }: TermShares, isAlone: boolean): void {
  for (const [at, share] of shares.entries()) {
    const hit = hits[at];
    const totals = isAlone || (hit !== undefined && says(hit, term)) ? own : borrowed;
    totals[at] = (totals[at] ?? 0) + share;
  }
}

function addWord({ own, borrowed }: Totals, shares: Float64Array, { ofTurns, ofStatements }: Loans): void {
  const said = new Float64Array(own.length);
  said.set(shares);
  const byTurns = ofTurns.length === 0 ? said : lend(ofTurns, said, said.slice());
  const byStatements = ofStatements.length === 0 ? undefined : lend(ofStatements, said, new Float64Array(own.length));
  for (let at = 0; at < own.length; at++) {
    const best = byTurns[at] ?? 0;
    const more = (byStatements?.[at] ?? 0) - best;
    own[at] = (own[at] ?? 0) + best;
    if (more > 0) borrowed[at] = (borrowed[at] ?? 0) + more;
  }
}

/** Raises what is lent to each to the best that it is lent. */
function lend(loans: readonly Loan[], shares: Float64Array, best: Float64Array): Float64Array {
  for (const { from, to, weight } of loans) {
    const lent = weight * (shares[from] ?? 0);
    if (lent > (best[to] ?? 0)) best[to] = lent;
  }
  return best;
}

/** A day that a memory says in words, and not only by its date. */
const says = (hit: TextHit, term: TextTerm): boolean =>
  term.lexemes.some((lexeme) => !isDateLexeme(lexeme) && frequencyOf(hit, lexeme) > 0);

/** A name that turns are spoken under is in every second turn: lent, it would tell nothing any more. */
function isSpeaker({ documentFrequencies }: TextHits, { term }: TermShares): boolean {
  return !term.isDay && term.lexemes.some((lexeme) => Object.hasOwn(documentFrequencies, speakerLexeme(lexeme)));
}

/** The speaker whom the question names; undefined where it names none, or more than one. */
function onlySpeaker(text: TextHits, terms: readonly TermShares[]): string | undefined {
  const named = terms.filter((term) => isSpeaker(text, term));
  const [lexeme] = named[0]?.term.lexemes ?? [];
  return named.length === 1 && lexeme !== undefined ? speakerLexeme(lexeme) : undefined;
}

function bonusOf(hit: TextHit, speaker: string | undefined): number {
  const speaks = hit.isTurn && speaker !== undefined && frequencyOf(hit, speaker) > 0;
  return (speaks ? SPEAKER : 0) + (hit.isMarked ? MARK : 0);
}
