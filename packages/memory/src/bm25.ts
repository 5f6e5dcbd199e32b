import type { TextHit, TextHits } from "./ports/index.ts";

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

/**
 * BM25 of every hit, divided by what the query could reach at most (every word of it, without end), so that a value means
 * the same for every query and store: 0 nothing in common, about .2 half of the query's weight said once, below 1 always.
 * Robertson & Zaragoza 2009, 3.4 (https://doi.org/10.1561/1500000019), with idf smoothed towards a usual store.
 */
export function bm25(text: TextHits): ReadonlyMap<string, number> {
  const idfs = new Map(text.terms.map((term) => [term, inverseFrequency(text, term)]));
  const ceiling = sum(idfs.values()) * (K1 + 1);
  if (ceiling === 0) return new Map();
  return new Map(text.hits.map((hit) => [hit.id, sumOfShares(hit, idfs, text.averageLength) / ceiling]));
}

function sumOfShares(hit: TextHit, idfs: ReadonlyMap<string, number>, averageLength: number): number {
  const relativeLength = averageLength > 0 ? hit.length / averageLength : 1;
  const saturation = K1 * (1 - B + B * relativeLength);
  let total = 0;
  for (const [term, idf] of idfs) {
    // Own keys alone: a row may well hold the lexeme `constructor`.
    const frequency = Object.hasOwn(hit.frequencies, term) ? (hit.frequencies[term] ?? 0) : 0;
    if (frequency > 0) total += (idf * frequency * (K1 + 1)) / (frequency + saturation);
  }
  return total;
}

/** Never below zero, and above it for every word: the `1 +` of the logarithm. */
function inverseFrequency(text: TextHits, term: string): number {
  const own = Object.hasOwn(text.documentFrequencies, term) ? (text.documentFrequencies[term] ?? 0) : 0;
  const usual = COMMON_LEXEMES.has(term) ? COMMON_FREQUENCY : USUAL_FREQUENCY;
  const documents = text.documents + VIRTUAL_DOCUMENTS;
  const frequency = Math.min(own, text.documents) + VIRTUAL_DOCUMENTS * usual;
  return Math.log(1 + (documents - frequency + 0.5) / (frequency + 0.5));
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
