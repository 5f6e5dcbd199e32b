import type { SearchableRow } from "../ports/index.ts";
import { hashText } from "../hash-text.ts";

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
    const key = hashText(lexeme);
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
  const coming = indexOf(arrivals);
  const left = countLeft(index, movedTo);
  const keys = mergeKeys(index.keys, left, coming.keys);
  let postings = coming.rows.length;
  for (const count of left) postings += count;

  const next = new WordIndex(keys.length, postings);
  next.keys.set(keys);
  let [old, fresh, to] = [0, 0, 0];
  for (let word = 0; word < keys.length; word++) {
    const key = keys[word] as number;
    while ((index.keys[old] as number) < key) old++;
    if (index.keys[old] === key)
      for (let at = index.from[old] as number; at < (index.from[old + 1] as number); at++) {
        const row = movedTo[index.rows[at] as number] as number;
        if (row < 0) continue;
        next.rows[to] = row;
        next.counts[to++] = index.counts[at] as number;
      }
    if (coming.keys[fresh] === key) {
      const [begin, end] = [coming.from[fresh] as number, coming.from[fresh + 1] as number];
      next.rows.set(coming.rows.subarray(begin, end), to);
      next.counts.set(coming.counts.subarray(begin, end), to);
      to += end - begin;
      fresh += 1;
    }
    next.from[word + 1] = to;
  }
  return next;
}

/** In two passes, one that counts and one that places: a list for each word that grows takes four times as long. */
function indexOf(arrivals: readonly WordsOfRow[]): WordIndex {
  let postings = 0;
  for (const { lexemes } of arrivals) postings += lexemes.length;
  /** Of each posting the number of its word, as they are met. */
  const wordOf = new Uint32Array(postings);
  const words = new Map<number, number>();
  const sizes: number[] = [];
  let posting = 0;
  for (const { lexemes } of arrivals)
    for (const lexeme of lexemes) {
      const key = hashText(lexeme);
      let word = words.get(key);
      if (word === undefined) {
        word = sizes.push(0) - 1;
        words.set(key, word);
      }
      sizes[word] = (sizes[word] as number) + 1;
      wordOf[posting++] = word;
    }

  const index = new WordIndex(words.size, postings);
  index.keys.set(Float64Array.from(words.keys()).sort());
  /** Of each word where its next posting goes. */
  const places = new Uint32Array(words.size);
  for (let at = 0, from = 0; at < index.keys.length; at++) {
    const word = words.get(index.keys[at] as number) as number;
    places[word] = from;
    from += sizes[word] as number;
    index.from[at + 1] = from;
  }
  posting = 0;
  for (const { row, lexemes, counts } of arrivals)
    for (let n = 0; n < lexemes.length; n++) {
      const word = wordOf[posting++] as number;
      const place = places[word] as number;
      index.rows[place] = row;
      index.counts[place] = counts[n] ?? 1;
      places[word] = place + 1;
    }
  return index;
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
function mergeKeys(keys: Float64Array, left: Uint32Array, coming: Float64Array): Float64Array {
  const merged = new Float64Array(keys.length + coming.length);
  let [next, to] = [0, 0];
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at] as number;
    while (next < coming.length && (coming[next] as number) < key) merged[to++] = coming[next++] as number;
    const comes = coming[next] === key;
    if (comes) next += 1;
    if (comes || (left[at] as number) > 0) merged[to++] = key;
  }
  while (next < coming.length) merged[to++] = coming[next++] as number;
  return merged.subarray(0, to);
}
