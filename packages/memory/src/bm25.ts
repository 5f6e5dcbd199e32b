import type { TextHit, TextHits, TextTerm } from "./ports/index.ts";

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

/** One term of a question over the hits. */
export interface TermShares {
  readonly term: TextTerm;
  /** What the term is worth at most: said without end. Above 0. */
  readonly ceiling: number;
  /** What each hit gets for it, in their order: 0 <= share < ceiling, above 0 for those that have it. */
  readonly shares: Float64Array;
}

/**
 * BM25, each term by itself (Robertson & Zaragoza 2009, 3.4, https://doi.org/10.1561/1500000019), with idf smoothed towards
 * a usual store. Of a term's lexemes the one that is worth most counts, so that spellings of one thing are not added up.
 */
export function termShares(text: TextHits): readonly TermShares[] {
  const asked = new Map<string, { readonly idf: number; readonly shares: Float64Array }[]>();
  const terms = text.terms.map((term): TermShares => {
    const shares = new Float64Array(text.hits.length);
    const idfs = term.lexemes.map((lexeme) => {
      const idf = inverseFrequency(text, lexeme);
      const standing = asked.get(lexeme);
      if (standing === undefined) asked.set(lexeme, [{ idf, shares }]);
      else standing.push({ idf, shares });
      return idf;
    });
    return { term, ceiling: Math.max(0, ...idfs) * (K1 + 1), shares };
  });
  // By the words of each hit, which are fewer than those of the question.
  for (const [at, hit] of text.hits.entries()) {
    const saturation = saturationOf(hit, text.averageLength);
    for (const lexeme of Object.keys(hit.frequencies)) {
      const frequency = hit.frequencies[lexeme] ?? 0;
      for (const { idf, shares } of asked.get(lexeme) ?? []) {
        const share = (idf * frequency * (K1 + 1)) / (frequency + saturation);
        if (share > (shares[at] ?? 0)) shares[at] = share;
      }
    }
  }
  return terms;
}

/** How often a lexeme stands in a hit. Own keys alone: a row may well hold the lexeme `constructor`. */
export function frequencyOf({ frequencies }: TextHit, lexeme: string): number {
  return Object.hasOwn(frequencies, lexeme) ? (frequencies[lexeme] ?? 0) : 0;
}

function saturationOf(hit: TextHit, averageLength: number): number {
  const relativeLength = averageLength > 0 ? hit.length / averageLength : 1;
  return K1 * (1 - B + B * relativeLength);
}

/** Never below zero, and above it for every word: the `1 +` of the logarithm. */
function inverseFrequency(text: TextHits, lexeme: string): number {
  const known = Object.hasOwn(text.documentFrequencies, lexeme) ? (text.documentFrequencies[lexeme] ?? 0) : 0;
  const usual = COMMON_LEXEMES.has(lexeme) ? COMMON_FREQUENCY : USUAL_FREQUENCY;
  const documents = text.documents + VIRTUAL_DOCUMENTS;
  const frequency = Math.min(known, text.documents) + VIRTUAL_DOCUMENTS * usual;
  const idf = Math.log(1 + (documents - frequency + 0.5) / (frequency + 0.5));
  return ASKING_LEXEMES.has(lexeme) ? idf * ASKING_WEIGHT : idf;
}
