import { speakerLexeme } from "../lexical.ts";
import type { AnalysedQuery, Neighbours, Postings, TextHits, TextQuery } from "../ports/index.ts";
import { scratch } from "../scratch.ts";
import {
  bestOf,
  frequenciesOf,
  keepPostings,
  NEIGHBOURED_MAX,
  NEIGHBOURS,
  NO_HITS,
  TALK_GAP_SECONDS,
} from "../text-candidates.ts";
import { groupTerms } from "../text-terms.ts";
import type { WorkingSet } from "./working-set.ts";

/** What the store's own `searchText` gives for the same rows; `seen` as `seenRows` gives it. */
export function searchWords(
  set: WorkingSet,
  seen: Uint8Array,
  asked: { readonly query: TextQuery; readonly analysed: AnalysedQuery; readonly limit: number },
): TextHits {
  return scratch.use(() => findWords(set, seen, asked));
}

function findWords(
  set: WorkingSet,
  seen: Uint8Array,
  { query, analysed, limit }: Parameters<typeof searchWords>[2],
): TextHits {
  const { terms, alike, dayWords, marks } = analysed;
  const { ids, lengths, turns, words } = set;
  const wanted = new Set([...terms, ...query.days.flatMap((day) => day.lexemes)]);
  if (wanted.size === 0) return { ...NO_HITS, ids };
  const standing = new Map<string, Postings>();
  const isFound = scratch.uint8(ids.length);
  for (const lexeme of [...wanted, ...terms.map(speakerLexeme)]) {
    const all = words.find(lexeme);
    if (all === undefined) continue;
    standing.set(lexeme, all);
    if (!wanted.has(lexeme)) continue;
    for (let at = 0; at < all.places.length; at++) {
      const place = all.places[at] as number;
      isFound[place] = seen[place] as number;
    }
  }
  const postings = new Map(Array.from(standing, ([lexeme, all]) => [lexeme, keepPostings(all, isFound)]));
  // One that nobody has is as one that was never said.
  for (const [lexeme, { places }] of postings) if (places.length === 0) postings.delete(lexeme);
  const found = scratch.int32(ids.length);
  let [count, documents, allLengths] = [0, 0, 0];
  for (let place = 0; place < seen.length; place++) {
    if (seen[place] !== 1) continue;
    documents += 1;
    allLengths += lengths[place] as number;
    if (isFound[place] === 1) found[count++] = place;
  }
  const hits = found.slice(0, count);
  const averageLength = documents === 0 ? 0 : allLengths / documents;
  const statistics = { documents, averageLength, documentFrequencies: frequenciesOf(postings) };
  const marked = new Uint8Array(ids.length);
  for (const lexeme of marks) for (const place of words.find(lexeme)?.places ?? []) marked[place] = 1;
  const best = bestOf({ ids, hits, lengths, turns, marked, postings }, wanted, { ...statistics, limit });
  return {
    ...best,
    neighbours: neighboursOf(set, seen, best.hits),
    terms: groupTerms({ lexemes: terms, alike }, query.days, dayWords),
    ...statistics,
  };
}

/**
 * Who stands beside the best: told in the same session, events beside events and statements beside statements; of what was
 * told outside of all sessions, events alone, as long as no more than ten minutes lie between.
 */
function neighboursOf(set: WorkingSet, seen: Uint8Array, best: ArrayLike<number>): Neighbours {
  const around = Math.min(best.length, NEIGHBOURED_MAX);
  const room = around * 2 * NEIGHBOURS;
  const pairs: Pairs = {
    hits: new Int32Array(room),
    others: new Int32Array(room),
    steps: new Int32Array(room),
    count: 0,
  };
  for (let at = 0; at < around; at++) {
    const hit = best[at] as number;
    if ((set.talkOf[hit] as number) < 0) continue;
    addBeside(pairs, { set, seen, hit, direction: -1 });
    addBeside(pairs, { set, seen, hit, direction: 1 });
  }
  const { hits, others, steps, count } = pairs;
  return { hits: hits.subarray(0, count), others: others.subarray(0, count), steps: steps.subarray(0, count) };
}

const TALK_GAP_MICROSECONDS = TALK_GAP_SECONDS * 1e6;

/** `Neighbours` that are still gathered: so many of each list. */
interface Pairs extends Record<keyof Neighbours, Int32Array> {
  count: number;
}

interface Beside {
  readonly set: WorkingSet;
  readonly seen: Uint8Array;
  /** Of a talk. */
  readonly hit: number;
  readonly direction: -1 | 1;
}

/** Of the hit's talk the rows that are seen beside it, the nearest first. */
function addBeside(pairs: Pairs, { set, seen, hit, direction }: Beside): void {
  const { createdAt, placeInTalk, talkOf } = set;
  const talk = set.talks[talkOf[hit] as number] as readonly number[];
  const isTimed = talkOf[hit] === set.openTalk;
  let step = 0;
  for (let at = (placeInTalk[hit] as number) + direction; Math.abs(step) < NEIGHBOURS; at += direction) {
    const other = talk[at];
    if (other === undefined) return;
    const gap = isTimed ? Math.abs((createdAt[other] as number) - (createdAt[hit] as number)) : 0;
    // Between two times without an end is no number.
    if (!(gap < TALK_GAP_MICROSECONDS)) return;
    if (seen[other] !== 1) continue;
    step += direction;
    pairs.hits[pairs.count] = hit;
    pairs.others[pairs.count] = other;
    pairs.steps[pairs.count++] = step;
  }
}
