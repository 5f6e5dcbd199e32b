import { EVENT_TYPE, LEVELS } from "../memory.ts";
import type { SearchableRow } from "../ports/index.ts";
import { strideOf } from "./dot-products.ts";
import { inverseLength } from "./fixed-point.ts";
import { patchWords, WordIndex, type WordsOfRow } from "./word-index.ts";

/** What a set has of a row; some of it stands in lists too. */
export interface Held extends Omit<SearchableRow, "lexemes" | "counts" | "createdAt" | "expiresAt"> {
  /** Lexemes in the row. */
  readonly length: number;
  /** A turn of a talk: an event that opens with the name of who speaks. */
  readonly isTurn: boolean;
  /** What it was told among: the events, or else the statements, of a session, or the events outside of all. Undefined: alone. */
  readonly talk: string | undefined;
  /** Of the memory (`hashFingerprint`), once that was asked for. */
  fingerprint: number | undefined;
}

/**
 * One user's live memories as a search goes through them, in lists without a gap: nothing is looked up, and a thousand
 * memories are gone through in a fraction of a millisecond. Words are held as hashes of 53 bits, contents as one text. A set
 * never changes, but that it remembers fingerprints; `patch` makes the next one.
 */
export interface WorkingSet {
  /** By creation, equal ones by id; all lists are in this order. */
  readonly held: readonly Held[];
  readonly ids: readonly string[];
  /** Where each id stands. */
  readonly places: ReadonlyMap<string, number>;
  readonly versions: Float64Array;
  /** Of each row's level the place among `LEVELS`. */
  readonly levels: Uint8Array;
  /** Microseconds since 1970, and milliseconds until they expire, Infinity for never. */
  readonly createdAt: Float64Array;
  readonly expiresAt: Float64Array;
  /** Lexemes in the row, and 1 where it is a turn of a talk. */
  readonly lengths: Uint32Array;
  readonly turns: Uint8Array;
  /** The rows of each talk (`Held.talk`) in their order; of which talk row n is (-1: of none), and at which place of it. */
  readonly talks: readonly (readonly number[])[];
  readonly talkOf: Int32Array;
  readonly placeInTalk: Int32Array;
  /** The talk of the events outside of all sessions; -1: there is none. */
  readonly openTalk: number;
  readonly words: WordIndex;
  readonly vectors: Vectors | undefined;
  /** The ids of rows that have no vector of their version. */
  readonly without: ReadonlySet<string>;
  /** What it takes in memory, roughly. */
  readonly bytes: number;
}

/** The vectors of the rows as `toFixedPoint` gives them, that of row n from `n * stride` on; zeros where a row has none. */
export interface Vectors {
  readonly dims: number;
  /** `strideOf(dims)` */
  readonly stride: number;
  readonly numbers: Int16Array;
  /** 1 by the length of each, as it is written here; 0 where it is all zeros. */
  readonly inverses: Float64Array;
  /** 1: row n has a vector of its version. */
  readonly known: Uint8Array;
}

/** A row that comes, with its vector where it has one of this version. */
export interface Arrival {
  readonly row: SearchableRow;
  /** As `toFixedPoint` gives it. */
  readonly vector?: Int16Array;
}

/** A row's object and strings, and their places in lists. */
const ROW_BYTES = 580;
/** Of a text that is not Latin alone. */
const CHARACTER_BYTES = 2;

/** What so many rows with vectors of so many numbers take, their words and contents apart. */
export const bytesOf = (rows: number, dims: number): number =>
  rows * (ROW_BYTES + strideOf(dims) * Int16Array.BYTES_PER_ELEMENT);

/** What a search of an empty store goes through. `dims`: of the vectors; absent where they are searched elsewhere. */
export function emptySet(dims: number | undefined): WorkingSet {
  return setOf([], new WordIndex(0, 0), dims === undefined ? undefined : emptyVectors(dims, 0));
}

/** A row of the next set, and where it comes from: its place in the set before, or what arrived. */
interface Source {
  readonly held: Held;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly from: number | Arrival;
}

/** The set without the rows of `gone`, and with those that arrive; an arrival takes the place of the row with its id. */
export function patch(set: WorkingSet, gone: ReadonlySet<string>, arrivals: readonly Arrival[]): WorkingSet {
  const replaced = new Set([...gone, ...arrivals.map(({ row }) => row.id)]);
  const sources = [
    ...set.held.flatMap((held, from): Source | readonly Source[] =>
      replaced.has(held.id)
        ? []
        : { held, createdAt: set.createdAt[from] as number, expiresAt: set.expiresAt[from] as number, from },
    ),
    ...arrivals.map((from): Source => {
      const { createdAt, expiresAt } = from.row;
      return { held: holdRow(from.row), createdAt, expiresAt, from };
    }),
  ].sort((left, right) => compare(left.createdAt, right.createdAt) || (left.held.id < right.held.id ? -1 : 1));

  const movedTo = new Int32Array(set.held.length).fill(-1);
  const words: WordsOfRow[] = [];
  const vectors = set.vectors && emptyVectors(set.vectors.dims, sources.length);
  for (const [at, { from }] of sources.entries()) {
    if (typeof from === "number") {
      movedTo[from] = at;
      if (set.vectors !== undefined && vectors !== undefined) copyVector(set.vectors, from, vectors, at);
    } else {
      words.push({ row: at, lexemes: from.row.lexemes, counts: from.row.counts });
      if (from.vector !== undefined && vectors !== undefined) putVector(vectors, at, from.vector);
    }
  }
  return setOf(sources, patchWords(set.words, movedTo, words), vectors);
}

function setOf(sources: readonly Source[], words: WordIndex, vectors: Vectors | undefined): WorkingSet {
  const held = sources.map((source) => source.held);
  const { dims = 0, known } = vectors ?? {};
  const ids = held.map(({ id }) => id);
  const characters = held.reduce((sum, { contents }) => sum + (contents?.length ?? 0), 0);
  return {
    held,
    ids,
    places: new Map(ids.map((id, at) => [id, at])),
    versions: Float64Array.from(held, ({ version }) => version),
    levels: Uint8Array.from(held, ({ level }) => LEVELS.indexOf(level)),
    createdAt: Float64Array.from(sources, ({ createdAt }) => createdAt),
    expiresAt: Float64Array.from(sources, ({ expiresAt }) => expiresAt),
    lengths: Uint32Array.from(held, ({ length }) => length),
    turns: Uint8Array.from(held, ({ isTurn }) => Number(isTurn)),
    ...talksOf(held),
    words,
    vectors,
    without: new Set(held.flatMap(({ id }, at) => (known?.[at] === 0 ? [id] : []))),
    bytes: bytesOf(held.length, dims) + words.bytes + characters * CHARACTER_BYTES,
  };
}

/** Two that are infinite alike are equal, too. */
const compare = (left: number, right: number): number => (left < right ? -1 : left > right ? 1 : 0);

const OPEN_TALK = "events";

function talksOf(held: readonly Held[]): Pick<WorkingSet, "talks" | "talkOf" | "placeInTalk" | "openTalk"> {
  const talks: number[][] = [];
  const numbers = new Map<string, number>();
  const talkOf = new Int32Array(held.length).fill(-1);
  const placeInTalk = new Int32Array(held.length);
  for (const [at, { talk }] of held.entries()) {
    if (talk === undefined) continue;
    const number = numbers.get(talk) ?? talks.push([]) - 1;
    numbers.set(talk, number);
    talkOf[at] = number;
    placeInTalk[at] = (talks[number] as number[]).push(at) - 1;
  }
  return { talks, talkOf, placeInTalk, openTalk: numbers.get(OPEN_TALK) ?? -1 };
}

function emptyVectors(dims: number, rows: number): Vectors {
  const stride = strideOf(dims);
  const numbers = new Int16Array(rows * stride);
  return { dims, stride, numbers, inverses: new Float64Array(rows), known: new Uint8Array(rows) };
}

function copyVector(set: Vectors, from: number, next: Vectors, to: number): void {
  const { stride } = set;
  next.numbers.set(set.numbers.subarray(from * stride, (from + 1) * stride), to * stride);
  next.inverses[to] = set.inverses[from] as number;
  next.known[to] = set.known[from] as number;
}

function putVector({ stride, numbers, inverses, known }: Vectors, row: number, vector: Int16Array): void {
  numbers.set(vector, row * stride);
  inverses[row] = inverseLength(vector);
  known[row] = 1;
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
    isTurn: row.type === EVENT_TYPE && row.lexemes.some((lexeme) => lexeme.startsWith(SPEAKER)),
    talk: talkOf(row),
    contents: row.contents,
    fingerprint: undefined,
  };
}

function talkOf({ sessionId, type }: Pick<SearchableRow, "sessionId" | "type">): string | undefined {
  const isEvent = type === EVENT_TYPE;
  if (sessionId === null) return isEvent ? OPEN_TALK : undefined;
  return `${isEvent ? "events" : "statements"}:${sessionId}`;
}
