/**
 * The numbers of an embedding. Whoever makes one makes a `Float32Array`: models compute in single precision and indexes
 * keep it, and a batch of 64 texts at 1,536 numbers is 384 KiB of it, half of what an array of doubles takes.
 */
export type Vector = ArrayLike<number>;

// Loops by hand: `Array.from` with a function allocates for each number, which made 70 % of a worker's garbage.

/** A unit vector's numbers are below 1, and single precision ends at the eighth decimal of them (2^-25 at 0.5). */
const DECIMALS = 1e9;

/**
 * A vector as it is written down for an index, in JSON or SQL: nine decimals tell single-precision numbers of a unit vector
 * apart and are half as long as what a double prints.
 */
export function toDecimals(vector: Vector): number[] {
  const decimals = new Array<number>(vector.length);
  for (let at = 0; at < vector.length; at++) decimals[at] = Math.round((vector[at] ?? 0) * DECIMALS) / DECIMALS;
  return decimals;
}

/** The cosine of the angle between two vectors of any length; 0 where one of them is all zeros. */
export function cosineOf(left: Vector, right: Vector): number {
  let [product, leftSquared, rightSquared] = [0, 0, 0];
  for (let at = 0; at < left.length; at++) {
    const [one, other] = [left[at] ?? 0, right[at] ?? 0];
    product += one * other;
    leftSquared += one * one;
    rightSquared += other * other;
  }
  const lengths = Math.sqrt(leftSquared * rightSquared);
  return lengths > 0 ? product / lengths : 0;
}

/** The vector at unit length; undefined where it has no direction: all zeros, or something that is no number. */
export function toUnit(vector: Vector): Float32Array | undefined {
  let squared = 0;
  for (let at = 0; at < vector.length; at++) squared += (vector[at] ?? Number.NaN) ** 2;
  const norm = Math.sqrt(squared);
  if (!(norm > 0 && norm < Infinity)) return undefined;
  const unit = new Float32Array(vector.length);
  for (let at = 0; at < vector.length; at++) unit[at] = (vector[at] ?? 0) / norm;
  return unit;
}
