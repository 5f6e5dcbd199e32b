import type { TextHits, TextTerm } from "./ports/index.ts";
import type { SparseNumbers } from "./sparse-numbers.ts";
import { frequencyOf } from "./text-candidates.ts";

/** How soon further occurrences of a word stop to count: .6 to 2 are within a point of each other (retrieval.md 9). */
const K1 = 1.2;
/** How much long rows pay for their length: 0 to .3 good, .75 worse, on turns and on statements (retrieval.md 7). */
const B = 0.3;

/**
 * A user with three memories says nothing about how rare a word is: each shared word stands in a third of them, and words
 * that stand in none would be all that counts. So every store is taken as one with this many more memories, in which words
 * are as common as memories usually have them; at a thousand rows of one's own they hardly matter any more.
 */
const VIRTUAL_DOCUMENTS = 50;
/** A word of substance stands in about one memory of fifty. */
const USUAL_FREQUENCY = 0.02;
/** Whom nearly every memory names; see `COMMON_LEXEMES`. */
const COMMON_FREQUENCY = 0.7;

/**
 * Lexemes that are common in memories and their questions anywhere, but no stop words of PostgreSQL: the subject of most
 * memories, and question words that its Russian list lets through (`какие` becomes `как`, `сколько` `скольк`).
 */
const COMMON_LEXEMES: ReadonlySet<string> = new Set(
  "user пользовател как каков кем ком чем чье чей котор скольк откуд почем отч".split(" "),
);
/** Lexemes that ask rather than say ("what kind of …", "как называется"), and weigh less than their rarity in memories says. */
const ASKING_LEXEMES: ReadonlySet<string> = new Set(
  "kind type sort mani would could might may mention accord тип вид называ зва".split(" "),
);
const ASKING_WEIGHT = 0.6;

/** One term of a question. */
export interface WeighedTerm {
  readonly term: TextTerm;
  /** Of each of its lexemes, by its place. */
  readonly idfs: readonly number[];
  /** What the term is worth at most: said without end. Above 0. */
  readonly ceiling: number;
}

/** How rare the lexemes of each term are, smoothed towards a usual store. */
export function weighTerms(text: TextHits): readonly WeighedTerm[] {
  return text.terms.map((term) => {
    const idfs = term.lexemes.map((lexeme) => inverseFrequency(text, lexeme));
    return { term, idfs, ceiling: Math.max(0, ...idfs) * (K1 + 1) };
  });
}

/**
 * BM25, each term by itself (Robertson & Zaragoza 2009, 3.4, https://doi.org/10.1561/1500000019): raises each hit to what it
 * gets for the term, below its ceiling. Of a term's lexemes the one that is worth most counts, so that spellings of one
 * thing are not added up.
 */
export function raiseShares(shares: SparseNumbers, text: TextHits, { term, idfs }: WeighedTerm): void {
  const ofLength = text.averageLength > 0 ? B / text.averageLength : 0;
  const ofAll = text.averageLength > 0 ? 1 - B : 1;
  for (const [n, lexeme] of term.lexemes.entries()) {
    const standing = text.postings.get(lexeme);
    if (standing === undefined) continue;
    const weight = (idfs[n] as number) * (K1 + 1);
    for (let at = 0; at < standing.places.length; at++) {
      const place = standing.places[at] as number;
      const frequency = standing.counts[at] as number;
      const saturation = K1 * (ofAll + ofLength * (text.lengths[place] as number));
      shares.raise(place, (weight * frequency) / (frequency + saturation));
    }
  }
}

/** Never below zero, and above it for every word: the `1 +` of the logarithm. */
function inverseFrequency(text: TextHits, lexeme: string): number {
  const usual = COMMON_LEXEMES.has(lexeme) ? COMMON_FREQUENCY : USUAL_FREQUENCY;
  const documents = text.documents + VIRTUAL_DOCUMENTS;
  const frequency = Math.min(frequencyOf(text, lexeme), text.documents) + VIRTUAL_DOCUMENTS * usual;
  const idf = Math.log(1 + (documents - frequency + 0.5) / (frequency + 0.5));
  return ASKING_LEXEMES.has(lexeme) ? idf * ASKING_WEIGHT : idf;
}
