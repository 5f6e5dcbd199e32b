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
  const rows: number[] = [];
  for (let row = 0; row < held.length; row++) if (seen[row] === 1 && vectors.known[row] === 1) rows.push(row);
  const least = leastOf(rows, cosines, limit);
  const hits: VectorHit[] = [];
  for (const row of rows) {
    const [own, cosine = -1] = [held[row], cosines[row]];
    if (own !== undefined && cosine >= least) hits.push({ id: own.id, version: own.version, cosine });
  }
  hits.sort((left, right) => right.cosine - left.cosine || (left.id < right.id ? -1 : 1));
  return hits.slice(0, limit);
}

/** The cosine of the last one that is taken. */
function leastOf(rows: readonly number[], cosines: Float32Array, limit: number): number {
  if (rows.length <= limit) return -Infinity;
  const own = new Float32Array(rows.length);
  rows.forEach((row, at) => {
    own[at] = cosines[row] ?? -1;
  });
  return nthGreatest(own, limit);
}
