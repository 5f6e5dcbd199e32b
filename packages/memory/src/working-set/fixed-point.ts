import type { Vector } from "../vector.ts";

/** What 1 is written as: the greatest number of 16 bits. Sums of products of two unit vectors then stay below 2^30. */
export const ONE = 32_767;

/**
 * The numbers of a vector of at most unit length in 16 bits each, half of what single precision takes. A cosine is right
 * to a few hundred-thousandths (fixed-point.test.ts), a hundredth of what would move a score in its third decimal.
 */
export function toFixedPoint(vector: Vector): Int16Array {
  const numbers = new Int16Array(vector.length);
  for (let at = 0; at < vector.length; at++) numbers[at] = Math.round((vector[at] ?? 0) * ONE);
  return numbers;
}
