import type { VectorHit } from "../ports/index.ts";
import type { Vector } from "../vector.ts";
import type { WorkingSet } from "./working-set.ts";

/** The nearest `limit` of the seen rows that have a vector, nearest first, equal ones by id. `vector` is at unit length. */
export function searchVectors(
  { held, vectors }: WorkingSet,
  seen: Uint8Array,
  vector: Vector,
  limit: number,
): readonly VectorHit[] {
  if (vectors === undefined) return [];
  const { dims, numbers, known } = vectors;
  const query = Float32Array.from(vector);
  const cosines = new Float32Array(held.length);
  const rows: number[] = [];
  for (let row = 0; row < held.length; row++) {
    if (seen[row] !== 1 || known[row] !== 1) continue;
    cosines[row] = product(numbers, row * dims, query);
    rows.push(row);
  }
  const least = leastOf(rows, cosines, limit);
  return rows
    .filter((row) => (cosines[row] ?? 0) >= least)
    .map((row) => ({ id: held[row]?.id ?? "", version: held[row]?.version ?? 0, cosine: cosines[row] ?? 0 }))
    .sort((left, right) => right.cosine - left.cosine || (left.id < right.id ? -1 : 1))
    .slice(0, limit);
}

/** The cosine of the last one that is taken. */
function leastOf(rows: readonly number[], cosines: Float32Array, limit: number): number {
  if (rows.length <= limit) return -Infinity;
  const sorted = Float32Array.from(rows, (row) => cosines[row] ?? 0).sort();
  return sorted[sorted.length - limit] ?? -Infinity;
}

/** Four sums side by side, which do not wait for each other. */
function product(numbers: Float32Array, from: number, query: Float32Array): number {
  let [first, second, third, fourth] = [0, 0, 0, 0];
  const whole = query.length - (query.length % 4);
  let at = 0;
  for (; at < whole; at += 4) {
    const to = from + at;
    first += (numbers[to] as number) * (query[at] as number);
    second += (numbers[to + 1] as number) * (query[at + 1] as number);
    third += (numbers[to + 2] as number) * (query[at + 2] as number);
    fourth += (numbers[to + 3] as number) * (query[at + 3] as number);
  }
  for (; at < query.length; at++) first += (numbers[from + at] as number) * (query[at] as number);
  return first + second + third + fourth;
}
