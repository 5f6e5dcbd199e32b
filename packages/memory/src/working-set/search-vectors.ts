import { nthGreatest } from "../nth-greatest.ts";
import type { Placed } from "../fuse.ts";
import type { VectorHit } from "../ports/index.ts";
import { scratch } from "../scratch.ts";
import type { Vector } from "../vector.ts";
import { dotProducts } from "./dot-products.ts";
import { inverseLength, toFixedPoint } from "./fixed-point.ts";
import type { Vectors, WorkingSet } from "./working-set.ts";

/** The nearest `limit` of the seen rows that have a vector, in no order; of equal ones those with the lesser id. */
export function searchVectors(
  { ids, versions, vectors }: WorkingSet,
  seen: Uint8Array,
  vector: Vector,
  limit: number,
): { readonly hits: readonly VectorHit[]; readonly placed: Placed } {
  if (vectors === undefined) return { hits: [], placed: { ids, places: [], versions } };
  return scratch.use(() => nearestOf({ ids, versions, vectors }, seen, vector, limit));
}

function nearestOf(
  { ids, versions, vectors }: Pick<WorkingSet, "ids" | "versions"> & { readonly vectors: Vectors },
  seen: Uint8Array,
  vector: Vector,
  limit: number,
): ReturnType<typeof searchVectors> {
  const cosines = cosinesOf(vectors, vector);
  // Loops by hand, here and below: they go through thousands of rows, and whatever they made would be garbage.
  const rows = scratch.int32(ids.length);
  let count = 0;
  for (let row = 0; row < ids.length; row++) if (seen[row] === 1 && vectors.known[row] === 1) rows[count++] = row;
  const least = leastOf(rows.subarray(0, count), cosines, limit);
  const places: number[] = [];
  for (let at = 0; at < count; at++)
    if ((cosines[rows[at] as number] as number) >= least) places.push(rows[at] as number);
  if (places.length > limit) {
    const idOf = (row: number): string => ids[row] as string;
    places.sort(
      (left, right) => (cosines[right] as number) - (cosines[left] as number) || (idOf(left) < idOf(right) ? -1 : 1),
    );
    places.length = limit;
  }
  const hits = places.map((row) => ({
    id: ids[row] as string,
    version: versions[row] as number,
    cosine: cosines[row] as number,
  }));
  return { hits, placed: { ids, places, versions } };
}

/**
 * Of what is written in 16 bits: by the lengths that it has so, which is right to a ten-thousandth (search-vectors.test.ts),
 * and to a tenth of that for directions that point nowhere in particular.
 */
function cosinesOf({ stride, numbers, inverses }: Vectors, vector: Vector): Float64Array {
  const query = toFixedPoint(vector, stride);
  const cosines = scratch.float64(inverses.length);
  dotProducts(numbers, query, cosines);
  const inverse = inverseLength(query);
  for (let row = 0; row < cosines.length; row++)
    cosines[row] = (cosines[row] as number) * (inverses[row] as number) * inverse;
  return cosines;
}

/** The cosine of the last one that is taken. */
function leastOf(rows: Int32Array, cosines: Float64Array, limit: number): number {
  if (rows.length <= limit) return -Infinity;
  const own = scratch.float64(rows.length);
  for (let at = 0; at < rows.length; at++) own[at] = cosines[rows[at] as number] as number;
  return nthGreatest(own, limit);
}
