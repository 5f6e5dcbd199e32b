import type { TextHits } from "../src/ports/index.ts";

export interface Document {
  readonly id: string;
  /** Its lexemes, one for each time that they stand in it. */
  readonly lexemes: readonly string[];
}

/** What a store's `searchText` answers when the caller sees `documents`: the same counts as the SQL's, from memory. */
export function textHitsOf(query: readonly string[], documents: readonly Document[]): TextHits {
  const terms = [...new Set(query)];
  const counted = documents.map(({ id, lexemes }) => ({
    id,
    length: new Set(lexemes).size,
    frequencies: Object.fromEntries(
      terms
        .map((term) => [term, lexemes.filter((one) => one === term).length] as const)
        .filter(([, count]) => count > 0),
    ),
  }));
  const total = counted.reduce((sum, { length }) => sum + length, 0);
  const frequencyOf = (term: string) => counted.filter(({ frequencies }) => Object.hasOwn(frequencies, term)).length;
  return {
    hits: counted.filter(({ frequencies }) => Object.keys(frequencies).length > 0),
    terms,
    documents: documents.length,
    averageLength: documents.length > 0 ? total / documents.length : 0,
    documentFrequencies: Object.fromEntries(terms.map((term) => [term, frequencyOf(term)])),
  };
}
