import type { SearchableRow } from "../ports/index.ts";
import { hashLexeme } from "./hash-lexeme.ts";

/** An inverted index: of each word, by its hash, the rows that have it. Never changes; `patchWords` makes the next one. */
export class WordIndex {
  /** Ascending; the rows of the word `keys[n]` stand from `from[n]` to before `from[n + 1]`, in no order. */
  readonly keys: Float64Array;
  readonly from: Uint32Array;
  readonly rows: Uint32Array;
  readonly counts: Uint16Array;

  constructor(words: number, postings: number) {
    this.keys = new Float64Array(words);
    this.from = new Uint32Array(words + 1);
    this.rows = new Uint32Array(postings);
    this.counts = new Uint16Array(postings);
  }

  find(lexeme: string): { readonly places: Uint32Array; readonly counts: Uint16Array } | undefined {
    const key = keyOf(lexeme);
    let [low, high] = [0, this.keys.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.keys[middle] as number) < key) low = middle + 1;
      else high = middle;
    }
    if (this.keys[low] !== key) return undefined;
    const [begin, end] = [this.from[low], this.from[low + 1]];
    return { places: this.rows.subarray(begin, end), counts: this.counts.subarray(begin, end) };
  }

  get bytes(): number {
    return this.keys.byteLength + this.from.byteLength + this.rows.byteLength + this.counts.byteLength;
  }
}

/** A row that comes, at its place among all rows. */
export interface WordsOfRow extends Pick<SearchableRow, "lexemes" | "counts"> {
  readonly row: number;
}

/** `movedTo[n]`: where row n of the index stands from now on; -1: it is gone. */
export function patchWords(index: WordIndex, movedTo: Int32Array, arrivals: readonly WordsOfRow[]): WordIndex {
  const coming = groupByKey(arrivals);
  const known = countLeft(index, movedTo);
  const keys = mergeKeys(index.keys, known, Float64Array.from(coming.keys()).sort());
  let postings = 0;
  for (const count of known) postings += count;
  for (const { rows } of coming.values()) postings += rows.length;

  const next = new WordIndex(keys.length, postings);
  next.keys.set(keys);
  let [old, to] = [0, 0];
  for (const [at, key] of keys.entries()) {
    while ((index.keys[old] as number) < key) old++;
    if (index.keys[old] === key)
      for (let from = index.from[old] as number; from < (index.from[old + 1] as number); from++) {
        const row = movedTo[index.rows[from] as number] as number;
        if (row < 0) continue;
        next.rows[to] = row;
        next.counts[to++] = index.counts[from] as number;
      }
    const { rows = [], counts = [] } = coming.get(key) ?? {};
    next.rows.set(rows, to);
    next.counts.set(counts, to);
    to += rows.length;
    next.from[at + 1] = to;
  }
  return next;
}

function groupByKey(arrivals: readonly WordsOfRow[]) {
  const groups = new Map<number, { readonly rows: number[]; readonly counts: number[] }>();
  for (const { row, lexemes, counts } of arrivals)
    for (const [n, lexeme] of lexemes.entries()) {
      const key = keyOf(lexeme);
      const group = groups.get(key) ?? { rows: [], counts: [] };
      groups.set(key, group);
      group.rows.push(row);
      group.counts.push(counts[n] ?? 1);
    }
  return groups;
}

/** How many rows of each word are left. */
function countLeft({ keys, from, rows }: WordIndex, movedTo: Int32Array): Uint32Array {
  const left = new Uint32Array(keys.length);
  for (let word = 0; word < keys.length; word++)
    for (let at = from[word] as number; at < (from[word + 1] as number); at++)
      if ((movedTo[rows[at] as number] as number) >= 0) left[word] = (left[word] as number) + 1;
  return left;
}

/** The keys that have rows left, and those that come, ascending, each once. */
function mergeKeys(keys: Float64Array, left: Uint32Array, coming: Float64Array): readonly number[] {
  const merged: number[] = [];
  let next = 0;
  for (const [at, key] of keys.entries()) {
    while (next < coming.length && (coming[next] as number) < key) merged.push(coming[next++] as number);
    const comes = coming[next] === key;
    if (comes) next += 1;
    if (comes || (left[at] as number) > 0) merged.push(key);
  }
  for (; next < coming.length; next++) merged.push(coming[next] as number);
  return merged;
}

/** Of the hash's 64 bits as many as a number holds, 53. */
function keyOf(lexeme: string): number {
  const [low, high] = hashLexeme(lexeme);
  return low * 2 ** 21 + (high >>> 11);
}
