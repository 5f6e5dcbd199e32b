import type { TextHits } from "../src/ports/index.ts";

/** A hit as tests tell and read it. */
export interface PlainHit {
  readonly id: string;
  readonly length: number;
  readonly frequencies: Readonly<Record<string, number>>;
  readonly isTurn: boolean;
  readonly isMarked: boolean;
  /** The nearest first. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export interface PlainHits extends Pick<TextHits, "terms" | "documents" | "averageLength" | "documentFrequencies"> {
  readonly hits: readonly PlainHit[];
}

export function toTextHits({ hits, ...rest }: PlainHits): TextHits {
  const ids = [
    ...new Set([...hits.map(({ id }) => id), ...hits.flatMap(({ before, after }) => [...before, ...after])]),
  ];
  const lexemes = [...new Set(hits.flatMap(({ frequencies }) => Object.keys(frequencies)))];
  const pairs = hits.flatMap(({ before, after }, hit) => [
    ...before.map((id, at) => ({ hit, other: ids.indexOf(id), step: -1 - at })),
    ...after.map((id, at) => ({ hit, other: ids.indexOf(id), step: 1 + at })),
  ]);
  return {
    ...rest,
    ids,
    hits: [...hits.keys()],
    lengths: hits.map(({ length }) => length),
    turns: hits.map(({ isTurn }) => Number(isTurn)),
    marked: hits.map(({ isMarked }) => Number(isMarked)),
    postings: new Map(
      lexemes.map((lexeme) => {
        const places = [...hits.keys()].filter((place) => Object.hasOwn(hits[place]?.frequencies ?? {}, lexeme));
        return [lexeme, { places, counts: places.map((place) => hits[place]?.frequencies[lexeme] ?? 0) }];
      }),
    ),
    neighbours: {
      hits: pairs.map(({ hit }) => hit),
      others: pairs.map(({ other }) => other),
      steps: pairs.map(({ step }) => step),
    },
  };
}

/** Throws where something is said of what is no hit. */
export function plainHits({ ids, hits, lengths, turns, marked, postings, neighbours, ...rest }: TextHits): PlainHits {
  const isHit = new Set(Array.from(hits));
  const told = [...[...postings.values()].flatMap(({ places }) => Array.from(places)), ...Array.from(neighbours.hits)];
  if (isHit.size !== hits.length || told.some((place) => !isHit.has(place))) throw new Error("no hit, and yet told of");
  const beside = (hit: number, direction: number): readonly string[] =>
    Array.from(neighbours.hits, (of, at) => ({
      of,
      other: neighbours.others[at] ?? -1,
      step: neighbours.steps[at] ?? 0,
    }))
      .filter(({ of, step }) => of === hit && Math.sign(step) === direction)
      .sort((left, right) => Math.abs(left.step) - Math.abs(right.step))
      .map(({ other }) => ids[other] ?? "");
  const plain = Array.from(hits, (place): PlainHit => ({
    id: ids[place] ?? "",
    length: lengths[place] ?? 0,
    frequencies: Object.fromEntries(
      [...postings].flatMap(([lexeme, { places, counts }]) => {
        const at = Array.from(places).indexOf(place);
        return at < 0 ? [] : [[lexeme, counts[at] ?? 0]];
      }),
    ),
    isTurn: turns[place] === 1,
    isMarked: marked[place] === 1,
    before: beside(place, -1),
    after: beside(place, 1),
  }));
  return { ...rest, hits: plain };
}

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

interface Asked {
  readonly marks?: readonly string[];
  readonly days?: readonly (readonly string[])[];
}

/** What a store's `searchText` answers when the caller sees `documents`: the same counts as the SQL's, from memory. */
export const textHitsOf = (query: readonly string[], documents: readonly Document[], asked: Asked = {}): TextHits =>
  toTextHits(plainHitsOf(query, documents, asked));

export function plainHitsOf(
  query: readonly string[],
  documents: readonly Document[],
  { marks = [], days = [] }: Asked = {},
): PlainHits {
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
    documentFrequencies: new Map(
      counted.map((lexeme) => [lexeme, countOf(lexeme)] as const).filter(([, count]) => count > 0),
    ),
  };
}

function frequenciesOf(counted: readonly string[], lexemes: readonly string[]): Record<string, number> {
  const entries = counted.map((word) => [word, lexemes.filter((one) => one === word).length] as const);
  return Object.fromEntries(entries.filter(([, count]) => count > 0));
}
