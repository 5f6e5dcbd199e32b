import { EVENT_TYPE } from "../memory.ts";
import type { SearchableRow } from "../ports/index.ts";
import type { Vector } from "../vector.ts";
import { hashLexeme } from "./hash-lexeme.ts";

/** What a set has of a row beside its lists. */
export interface Held extends Omit<SearchableRow, "lexemes" | "counts" | "createdAt" | "expiresAt"> {
  /** Lexemes in the row. */
  readonly length: number;
  /** It opens with the name of who speaks. */
  readonly hasSpeaker: boolean;
  /** What it was told among: the events, or else the statements, of a session, or the events outside of all. Undefined: alone. */
  readonly talk: string | undefined;
}

/**
 * One user's live memories as a search goes through them, in lists without a gap: nothing is looked up, and a thousand
 * memories are gone through in a fraction of a millisecond. Words are held as hashes of 64 bits, contents not at all. A set
 * never changes; `patch` makes the next one.
 */
export interface WorkingSet {
  /** By creation, equal ones by id. */
  readonly held: readonly Held[];
  /** Microseconds since 1970, and milliseconds until they expire, Infinity for never. */
  readonly createdAt: Float64Array;
  readonly expiresAt: Float64Array;
  /** The rows of each talk (`Held.talk`) in their order, and at which place of its talk row n is. */
  readonly talks: ReadonlyMap<string, readonly number[]>;
  readonly placeInTalk: Int32Array;
  /** The words of row n stand from `wordsFrom[n]` to before `wordsFrom[n + 1]`, in the order of the database. */
  readonly wordsFrom: Uint32Array;
  readonly wordsLow: Uint32Array;
  readonly wordsHigh: Uint32Array;
  readonly counts: Uint16Array;
  readonly vectors: Vectors | undefined;
  /** The ids of rows that have no vector of their version. */
  readonly without: ReadonlySet<string>;
  /** What it takes in memory, roughly. */
  readonly bytes: number;
}

/** The vectors of the rows, those of row n from `n * dims` on, at unit length; zeros where a row has none. */
export interface Vectors {
  readonly dims: number;
  readonly numbers: Float32Array;
  /** 1: row n has a vector of its version. */
  readonly known: Uint8Array;
}

/** A row that comes, with its vector where it has one of this version. */
export interface Arrival {
  readonly row: SearchableRow;
  /** At unit length, or all zeros. */
  readonly vector?: Vector;
}

/** A row's object and strings, and their places in lists. */
const ROW_BYTES = 500;
const WORD_BYTES = 10;

/** What so many rows with vectors of so many numbers take, their words apart. */
export const bytesOf = (rows: number, dims: number): number =>
  rows * (ROW_BYTES + dims * Float32Array.BYTES_PER_ELEMENT);

/** What a search of an empty store goes through. `dims`: of the vectors; absent where they are searched elsewhere. */
export function emptySet(dims: number | undefined): WorkingSet {
  return {
    held: [],
    createdAt: new Float64Array(),
    expiresAt: new Float64Array(),
    talks: new Map(),
    placeInTalk: new Int32Array(),
    wordsFrom: new Uint32Array(1),
    wordsLow: new Uint32Array(),
    wordsHigh: new Uint32Array(),
    counts: new Uint16Array(),
    vectors: dims === undefined ? undefined : { dims, numbers: new Float32Array(), known: new Uint8Array() },
    without: new Set(),
    bytes: 0,
  };
}

/** The set without the rows of `gone`, and with those that arrive; an arrival takes the place of the row with its id. */
export function patch(set: WorkingSet, gone: ReadonlySet<string>, arrivals: readonly Arrival[]): WorkingSet {
  const replaced = new Set([...gone, ...arrivals.map(({ row }) => row.id)]);
  const sources = [
    ...set.held.flatMap((held, at) =>
      replaced.has(held.id) ? [] : [{ held, createdAt: set.createdAt[at] ?? 0, expiresAt: set.expiresAt[at] ?? 0, at }],
    ),
    ...arrivals.map((arrival) => {
      const { createdAt, expiresAt } = arrival.row;
      return { held: holdRow(arrival.row), createdAt, expiresAt, arrival };
    }),
  ].sort((left, right) => compare(left.createdAt, right.createdAt) || (left.held.id < right.held.id ? -1 : 1));

  const words = sources.reduce((sum, { held }) => sum + held.length, 0);
  const next = {
    held: sources.map(({ held }) => held),
    ...talksOf(sources.map(({ held }) => held)),
    createdAt: Float64Array.from(sources, ({ createdAt }) => createdAt),
    expiresAt: Float64Array.from(sources, ({ expiresAt }) => expiresAt),
    wordsFrom: new Uint32Array(sources.length + 1),
    wordsLow: new Uint32Array(words),
    wordsHigh: new Uint32Array(words),
    counts: new Uint16Array(words),
    vectors: set.vectors && emptyVectors(set.vectors.dims, sources.length),
  };
  let to = 0;
  sources.forEach((source, at) => {
    if ("arrival" in source) {
      const { row, vector } = source.arrival;
      row.lexemes.forEach((lexeme, n) => {
        [next.wordsLow[to + n], next.wordsHigh[to + n]] = hashLexeme(lexeme);
        next.counts[to + n] = row.counts[n] ?? 1;
      });
      if (next.vectors !== undefined && vector?.length === next.vectors.dims) {
        next.vectors.numbers.set(vector, at * next.vectors.dims);
        next.vectors.known[at] = 1;
      }
    } else copyRow(set, source.at, next, { at, to });
    to += source.held.length;
    next.wordsFrom[at + 1] = to;
  });
  const { dims = 0, known } = next.vectors ?? {};
  const without = new Set(next.held.flatMap(({ id }, at) => (known?.[at] === 0 ? [id] : [])));
  return { ...next, without, bytes: bytesOf(sources.length, dims) + words * WORD_BYTES };
}

/** Two that are infinite alike are equal, too. */
const compare = (left: number, right: number): number => (left < right ? -1 : left > right ? 1 : 0);

type Lists = Pick<WorkingSet, "wordsLow" | "wordsHigh" | "counts" | "vectors">;

function copyRow(from: WorkingSet, row: number, next: Lists, { at, to }: { at: number; to: number }): void {
  const [begin, end] = [from.wordsFrom[row] ?? 0, from.wordsFrom[row + 1] ?? 0];
  next.wordsLow.set(from.wordsLow.subarray(begin, end), to);
  next.wordsHigh.set(from.wordsHigh.subarray(begin, end), to);
  next.counts.set(from.counts.subarray(begin, end), to);
  if (from.vectors === undefined || next.vectors === undefined) return;
  const { dims, numbers, known } = from.vectors;
  next.vectors.numbers.set(numbers.subarray(row * dims, (row + 1) * dims), at * dims);
  next.vectors.known[at] = known[row] ?? 0;
}

function talksOf(held: readonly Held[]): Pick<WorkingSet, "talks" | "placeInTalk"> {
  const talks = new Map<string, number[]>();
  const placeInTalk = new Int32Array(held.length);
  held.forEach(({ talk }, at) => {
    if (talk === undefined) return;
    const rows = talks.get(talk) ?? [];
    talks.set(talk, rows);
    placeInTalk[at] = rows.push(at) - 1;
  });
  return { talks, placeInTalk };
}

function emptyVectors(dims: number, rows: number): Vectors {
  return { dims, numbers: new Float32Array(rows * dims), known: new Uint8Array(rows) };
}

/** What opens the lexeme of a speaker (`speakerLexeme`). */
const SPEAKER = "@who:";
const NONE: readonly string[] = [];

function holdRow(row: SearchableRow): Held {
  return {
    id: row.id,
    version: row.version,
    level: row.level,
    type: row.type,
    sessionId: row.sessionId,
    sessionIds: row.sessionIds.length === 0 ? NONE : row.sessionIds,
    agentIds: row.agentIds.length === 0 ? NONE : row.agentIds,
    length: row.lexemes.length,
    hasSpeaker: row.lexemes.some((lexeme) => lexeme.startsWith(SPEAKER)),
    talk: talkOf(row),
  };
}

function talkOf({ sessionId, type }: Pick<SearchableRow, "sessionId" | "type">): string | undefined {
  const isEvent = type === EVENT_TYPE;
  if (sessionId === null) return isEvent ? "events" : undefined;
  return `${isEvent ? "events" : "statements"}:${sessionId}`;
}
