import { speakerLexeme } from "../lexical.ts";
import { EVENT_TYPE } from "../memory.ts";
import type { AnalysedQuery, TextHit, TextHits, TextQuery } from "../ports/index.ts";
import {
  bestOf,
  frequenciesOf,
  NEIGHBOURED_MAX,
  NO_HITS,
  NEIGHBOURS,
  TALK_GAP_SECONDS,
  type TextCandidate,
} from "../text-candidates.ts";
import { groupTerms } from "../text-terms.ts";
import { hashLexeme } from "./hash-lexeme.ts";
import type { WorkingSet } from "./working-set.ts";

/** What the store's own `searchText` gives for the same rows; `seen` as `seenRows` gives it. */
export function searchWords(
  set: WorkingSet,
  seen: Uint8Array,
  { query, analysed, limit }: { readonly query: TextQuery; readonly analysed: AnalysedQuery; readonly limit: number },
): TextHits {
  const { terms, alike, dayWords, marks } = analysed;
  const wanted = new Set([...terms, ...query.days.flatMap((day) => day.lexemes)]);
  if (wanted.size === 0) return NO_HITS;
  const candidates = findCandidates(set, seen, new Watched(wanted, terms.map(speakerLexeme), marks));
  let [documents, lengths] = [0, 0];
  for (let at = 0; at < seen.length; at++) {
    if (seen[at] !== 1) continue;
    documents += 1;
    lengths += (set.wordsFrom[at + 1] as number) - (set.wordsFrom[at] as number);
  }
  const averageLength = documents === 0 ? 0 : lengths / documents;
  const statistics = { documents, averageLength, documentFrequencies: frequenciesOf(candidates) };
  const best = bestOf(candidates, wanted, { ...statistics, limit });
  return {
    hits: withNeighbours(set, seen, best),
    terms: groupTerms({ lexemes: terms, alike }, query.days, dayWords),
    ...statistics,
  };
}

/** A candidate and which row it is. */
interface Placed extends TextCandidate {
  readonly at: number;
}

/** What a row has of what is watched for. */
interface Sighting {
  readonly at: number;
  readonly frequencies: Record<string, number>;
  isWanted: boolean;
  isMarked: boolean;
}

/** The seen rows that have a word that is wanted. All words of all rows are gone through in one loop, and few are looked up. */
function findCandidates(
  { held, wordsFrom, wordsLow, wordsHigh, counts }: WorkingSet,
  seen: Uint8Array,
  watched: Watched,
) {
  const { sieve } = watched;
  const sightings: Sighting[] = [];
  let row = 0;
  let last: Sighting | undefined;
  for (let at = 0; at < wordsLow.length; at++) {
    const low = wordsLow[at] as number;
    if (sieve[low % SIEVE] !== 1) continue;
    const lexeme = watched.find(low, wordsHigh[at] as number);
    if (lexeme === undefined) continue;
    while ((wordsFrom[row + 1] as number) <= at) row++;
    if (seen[row] !== 1) continue;
    if (last?.at !== row) {
      last = { at: row, frequencies: {}, isWanted: false, isMarked: false };
      sightings.push(last);
    }
    last.isWanted ||= lexeme.isWanted;
    last.isMarked ||= lexeme.isMark;
    if (lexeme.isCounted) last.frequencies[lexeme.lexeme] = counts[at] as number;
  }
  const candidates: Placed[] = [];
  for (const { at, frequencies, isWanted, isMarked } of sightings) {
    const own = held[at];
    if (!isWanted || own === undefined) continue;
    const isTurn = own.type === EVENT_TYPE && own.hasSpeaker;
    candidates.push({ id: own.id, length: own.length, isTurn, isMarked, frequencies, at });
  }
  return candidates;
}

/** Of so many words few are another's: a word is first looked up in a table of its lowest bits. */
const SIEVE = 1_024;

interface WatchedLexeme {
  readonly lexeme: string;
  readonly isWanted: boolean;
  /** How often it stands in a row is told. */
  readonly isCounted: boolean;
  readonly isMark: boolean;
}

/** The lexemes of a question, as rows are looked through for them. */
class Watched {
  /** 1 where a watched lexeme has these lowest bits. */
  readonly sieve = new Uint8Array(SIEVE);
  readonly #known = new Map<number, WatchedLexeme>();

  constructor(wanted: ReadonlySet<string>, speakers: readonly string[], marks: readonly string[]) {
    const marking = new Set(marks);
    const counted = new Set([...wanted, ...speakers]);
    for (const lexeme of new Set([...counted, ...marks])) {
      const [low, high] = hashLexeme(lexeme);
      this.sieve[low % SIEVE] = 1;
      const watched = { isWanted: wanted.has(lexeme), isCounted: counted.has(lexeme), isMark: marking.has(lexeme) };
      this.#known.set(keyOf(low, high), { lexeme, ...watched });
    }
  }

  find(low: number, high: number): WatchedLexeme | undefined {
    return this.#known.get(keyOf(low, high));
  }
}

/** Of the 64 bits as many as a number holds, 53. */
const keyOf = (low: number, high: number): number => low * 2 ** 21 + (high >>> 11);

/**
 * The best with who stands beside them: told in the same session, events beside events and statements beside statements; of
 * what was told outside of all sessions, events alone, as long as no more than ten minutes lie between.
 */
function withNeighbours(set: WorkingSet, seen: Uint8Array, best: readonly Placed[]): readonly TextHit[] {
  return best.map(({ id, length, frequencies, isTurn, isMarked, at }, n) => {
    const talk = n < NEIGHBOURED_MAX ? set.talks.get(set.held[at]?.talk ?? "") : undefined;
    const before = talk === undefined ? NONE : takeBeside(set, seen, talk, at, -1);
    const after = talk === undefined ? NONE : takeBeside(set, seen, talk, at, 1);
    return { id, length, frequencies, isTurn, isMarked, before, after };
  });
}

const NONE: readonly string[] = [];
const TALK_GAP_MICROSECONDS = TALK_GAP_SECONDS * 1e6;

/** Of a talk's rows in their order those that are seen beside row `own`, the nearest first. */
function takeBeside(
  { held, createdAt, placeInTalk }: WorkingSet,
  seen: Uint8Array,
  talk: readonly number[],
  own: number,
  step: -1 | 1,
): readonly string[] {
  const isTimed = held[own]?.sessionId === null;
  const taken: string[] = [];
  let left = NEIGHBOURS;
  for (let place = (placeInTalk[own] ?? 0) + step; left > 0; place += step) {
    const row = talk[place];
    const other = row === undefined ? undefined : held[row];
    if (row === undefined || other === undefined) break;
    if (seen[row] !== 1) continue;
    left -= 1;
    const gap = isTimed ? Math.abs((createdAt[row] ?? 0) - (createdAt[own] ?? 0)) : 0;
    if (gap < TALK_GAP_MICROSECONDS) taken.push(other.id);
  }
  return taken;
}
