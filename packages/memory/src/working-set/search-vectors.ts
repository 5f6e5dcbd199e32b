import { nthGreatest } from "../nth-greatest.ts";
import type { VectorHit } from "../ports/index.ts";
import type { Vector } from "../vector.ts";
import { dotProducts } from "./dot-products.ts";
import type { WorkingSet } from "./working-set.ts";

/** The nearest `limit` of the seen rows that have a vector, nearest first, equal ones by id. `vector` is at unit length. */
export function searchVectors(
  { held, vectors }: WorkingSet,
  seen: Uint8Array,
  vector: Vector,
  limit: number,
): readonly VectorHit[] {
  if (vectors === undefined) return [];
  const cosines = dotProducts(vectors.numbers, Float32Array.from(vector));
  // Loops by hand, here and below: they go through thousands of rows, and whatever they made would be garbage.
  const rows = new Int32Array(held.length);
  let count = 0;
  for (let row = 0; row < held.length; row++) if (seen[row] === 1 && vectors.known[row] === 1) rows[count++] = row;
  const least = leastOf(rows.subarray(0, count), cosines, limit);
  const hits: VectorHit[] = [];
  for (let at = 0; at < count; at++) {
    const row = rows[at] as number;
    const cosine = cosines[row] as number;
    const own = held[row];
    if (cosine >= least && own !== undefined) hits.push({ id: own.id, version: own.version, cosine });
  }
  hits.sort((left, right) => right.cosine - left.cosine || (left.id < right.id ? -1 : 1));
  return hits.length > limit ? hits.slice(0, limit) : hits;
}

/** The cosine of the last one that is taken. */
function leastOf(rows: Int32Array, cosines: Float32Array, limit: number): number {
  if (rows.length <= limit) return -Infinity;
  const own = new Float32Array(rows.length);
  for (let at = 0; at < rows.length; at++) own[at] = cosines[rows[at] as number] as number;
  return nthGreatest(own, limit);
}
