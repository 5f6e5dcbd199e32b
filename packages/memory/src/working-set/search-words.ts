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
  const watched = new Watched(wanted, terms.map(speakerLexeme), marks);
  let [documents, lengths] = [0, 0];
  const candidates: Placed[] = [];
  for (let at = 0; at < set.held.length; at++) {
    const row = set.held[at];
    if (row === undefined || seen[at] !== 1) continue;
    documents += 1;
    lengths += row.length;
    const found = watched.findIn(set, at);
    if (found === undefined) continue;
    const isTurn = row.type === EVENT_TYPE && row.hasSpeaker;
    candidates.push({
      id: row.id,
      length: row.length,
      isTurn,
      isMarked: found.isMarked,
      frequencies: found.frequencies,
      at,
    });
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

/** Of so many words few are another's: a row's words are first looked up in a table of their lowest bits. */
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
  readonly #sieve = new Uint8Array(SIEVE);
  readonly #known = new Map<number, WatchedLexeme>();

  constructor(wanted: ReadonlySet<string>, speakers: readonly string[], marks: readonly string[]) {
    const marking = new Set(marks);
    const counted = new Set([...wanted, ...speakers]);
    for (const lexeme of new Set([...counted, ...marks])) {
      const [low, high] = hashLexeme(lexeme);
      this.#sieve[low % SIEVE] = 1;
      const watched = { isWanted: wanted.has(lexeme), isCounted: counted.has(lexeme), isMark: marking.has(lexeme) };
      this.#known.set(keyOf(low, high), { lexeme, ...watched });
    }
  }

  /** Undefined: none of those that are wanted. */
  findIn(set: WorkingSet, row: number): Pick<TextCandidate, "frequencies" | "isMarked"> | undefined {
    const end = set.wordsFrom[row + 1] ?? 0;
    let [isFound, isMarked] = [false, false];
    let frequencies: Record<string, number> | undefined;
    for (let at = set.wordsFrom[row] ?? 0; at < end; at++) {
      const low = set.wordsLow[at] ?? 0;
      if (this.#sieve[low % SIEVE] !== 1) continue;
      const known = this.#known.get(keyOf(low, set.wordsHigh[at] ?? 0));
      if (known === undefined) continue;
      isFound ||= known.isWanted;
      isMarked ||= known.isMark;
      if (known.isCounted) (frequencies ??= {})[known.lexeme] = set.counts[at] ?? 1;
    }
    return isFound && frequencies !== undefined ? { frequencies, isMarked } : undefined;
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
