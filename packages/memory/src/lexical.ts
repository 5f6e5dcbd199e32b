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

/**
 * What words speak for each memory, 0..1: the sum of its terms' BM25 by what the question could reach at most, so that it
 * means the same for every question and store (0 nothing in common, about .2 half of the question's weight said once).
 * Each term counts by its own share or the best that a neighbour lends, whichever is more: a windowed BM25, which
 * finds what is said in the turn after the words (retrieval.md 3: +8 recall@10, where sums of scores give +3.5).
 * Neighbours that have none of the words are among the results, too. Independent of the order of what comes in.
 */
export function lexicalScores(text: TextHits): ReadonlyMap<string, number> {
  const terms = termShares(text);
  const ceiling = terms.reduce((sum, term) => sum + term.ceiling, 0);
  if (ceiling === 0) return new Map();
  const totals = new Map<string, Totals>();
  const isDaysAlone = terms.every(({ term }) => term.isDay);
  const speaker = onlySpeaker(text, terms);
  for (const term of terms) addTerm(totals, text, term, { isDaysAlone, isLent: !isSpeaker(text, term) });

  const hits = new Map(text.hits.map((hit) => [hit.id, hit]));
  const scores = new Map<string, number>();
  for (const [id, { own, borrowed }] of totals) {
    const hit = hits.get(id);
    const bonus = hit === undefined ? 0 : bonusOf(hit, speaker);
    scores.set(id, Math.min(1, own / ceiling + Math.min(BORROWED_MAX, borrowed / ceiling) + bonus));
  }
  return scores;
}

/** The share of turns of a talk among the hits, 0..1. */
export function turnShare({ hits }: TextHits): number {
  return hits.length === 0 ? 0 : hits.filter((hit) => hit.isTurn).length / hits.length;
}

interface Totals {
  /** By its words, and by turns beside it. */
  own: number;
  /** By its date, and by statements beside it. */
  borrowed: number;
}

function addTerm(
  totals: Map<string, Totals>,
  { hits }: TextHits,
  { term, shares }: TermShares,
  { isDaysAlone, isLent }: { isDaysAlone: boolean; isLent: boolean },
): void {
  const totalsOf = (id: string): Totals => {
    const known = totals.get(id) ?? { own: 0, borrowed: 0 };
    totals.set(id, known);
    return known;
  };
  if (term.isDay) {
    // The session was of one day: neighbours have nothing to lend.
    for (const hit of hits)
      totalsOf(hit.id)[isDaysAlone || says(hit, term) ? "own" : "borrowed"] += shares.get(hit.id) ?? 0;
    return;
  }
  const byTurns = new Map(shares);
  const byStatements = new Map<string, number>();
  const lend = (from: string, to: string, weight: number, isTurn: boolean): void => {
    const lent = weight * (shares.get(from) ?? 0);
    const best = isTurn ? byTurns : byStatements;
    if (lent > (best.get(to) ?? 0)) best.set(to, lent);
  };
  // Of two that stand side by side each lends to the other; what is beside a turn is a turn.
  const exchange = (earlier: string, later: string, at: number, isTurn: boolean): void => {
    lend(earlier, later, LENT_BY_BEFORE[at] ?? 0, isTurn);
    lend(later, earlier, LENT_BY_AFTER[at] ?? 0, isTurn);
  };
  if (isLent)
    for (const { id, before, after, isTurn } of hits) {
      before.forEach((other, at) => exchange(other, id, at, isTurn));
      after.forEach((other, at) => exchange(id, other, at, isTurn));
    }
  for (const [id, share] of byTurns) totalsOf(id).own += share;
  for (const [id, share] of byStatements) totalsOf(id).borrowed += Math.max(0, share - (byTurns.get(id) ?? 0));
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
