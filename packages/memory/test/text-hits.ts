import type { TextHits } from "../src/ports/index.ts";

export interface Document {
  readonly id: string;
  /** Its lexemes, one for each time that they stand in it. */
  readonly lexemes: readonly string[];
  /** A statement although it opens with a label, as a turn does with its speaker. */
  readonly isStatement?: boolean;
  /** Documents of one session stand beside each other in the order in which they are given. */
  readonly session?: string;
}

const NEIGHBOURS = 3;

/** What a store's `searchText` answers when the caller sees `documents`: the same counts as the SQL's, from memory. */
export function textHitsOf(
  query: readonly string[],
  documents: readonly Document[],
  { marks = [], days = [] }: { marks?: readonly string[]; days?: readonly (readonly string[])[] } = {},
): TextHits {
  const words = [...new Set(query)];
  const asked = [...words, ...days.flat()];
  const counted = [...asked, ...words.map((word) => `@who:${word}`)];
  const rows = documents.map(({ id, lexemes, session, isStatement = false }) => {
    const beside = session === undefined ? [] : documents.filter((one) => one.session === session);
    const at = beside.findIndex((one) => one.id === id);
    return {
      id,
      length: new Set(lexemes).size,
      frequencies: frequenciesOf(counted, lexemes),
      isTurn: !isStatement && lexemes.some((lexeme) => lexeme.startsWith("@who:")),
      isMarked: marks.some((mark) => lexemes.includes(mark)),
      before: beside
        .slice(Math.max(0, at - NEIGHBOURS), Math.max(0, at))
        .map((one) => one.id)
        .toReversed(),
      after: at < 0 ? [] : beside.slice(at + 1, at + 1 + NEIGHBOURS).map((one) => one.id),
    };
  });
  const total = rows.reduce((sum, { length }) => sum + length, 0);
  const countOf = (lexeme: string) => rows.filter(({ frequencies }) => Object.hasOwn(frequencies, lexeme)).length;
  return {
    hits: rows.filter(({ frequencies }) => asked.some((lexeme) => Object.hasOwn(frequencies, lexeme))),
    terms: [
      ...words.map((word) => ({ lexemes: [word], isDay: false })),
      ...days.map((lexemes) => ({ lexemes, isDay: true })),
    ],
    documents: documents.length,
    averageLength: documents.length > 0 ? total / documents.length : 0,
    documentFrequencies: Object.fromEntries(
      counted.map((lexeme) => [lexeme, countOf(lexeme)] as const).filter(([, count]) => count > 0),
    ),
  };
}

function frequenciesOf(counted: readonly string[], lexemes: readonly string[]): Record<string, number> {
  const entries = counted.map((word) => [word, lexemes.filter((one) => one === word).length] as const);
  return Object.fromEntries(entries.filter(([, count]) => count > 0));
}
