/** The nearest vectors as nobody can get them wrong: every cosine computed, in double precision. */

/**
 * Two cosines as near as this are one: stores compute in single precision, whose error over some thousand products is about
 * that much, and of vectors that tie any may come first.
 */
const TIE = 1e-6;

/** Of the angle between two vectors of any length; 0 where one of them is all zeros. */
export function cosine(one: readonly number[], other: readonly number[]): number {
  if (one.length !== other.length) throw new Error(`vectors of ${one.length} and of ${other.length} numbers`);
  let [product, oneSquared, otherSquared] = [0, 0, 0];
  for (let at = 0; at < one.length; at++) {
    const [left, right] = [one[at] ?? 0, other[at] ?? 0];
    product += left * right;
    oneSquared += left * left;
    otherSquared += right * right;
  }
  const lengths = Math.sqrt(oneSquared * otherSquared);
  return lengths > 0 ? product / lengths : 0;
}

/** The cosine of each with what is asked. */
export function scan(
  asked: readonly number[],
  vectors: ReadonlyMap<string, readonly number[]>,
): ReadonlyMap<string, number> {
  return new Map(Array.from(vectors, ([id, vector]) => [id, cosine(asked, vector)]));
}

/**
 * Recall at `k`: of the `k` nearest by `cosines` (fewer where there are fewer) the share that is among the first `k` of
 * `found`. What ties with the last of them is as right as that one. NaN where there is nothing to find.
 */
export function recallAt(k: number, cosines: ReadonlyMap<string, number>, found: readonly string[]): number {
  const nearest = [...cosines.values()].toSorted((one, other) => other - one).slice(0, k);
  const least = (nearest.at(-1) ?? Number.NaN) - TIE;
  const right = [...new Set(found.slice(0, k))].filter((id) => (cosines.get(id) ?? Number.NaN) >= least);
  return right.length / nearest.length;
}
