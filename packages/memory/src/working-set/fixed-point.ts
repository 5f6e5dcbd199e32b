import type { Vector } from "../vector.ts";

/** What 1 is written as: the greatest number of 16 bits. Sums of products of two unit vectors then stay far below 2^31. */
const ONE = 32_767;

/**
 * The direction of a vector in numbers of 16 bits, half of what single precision takes, with zeros behind them up to `stride`.
 * All zeros where it has no direction.
 */
export function toFixedPoint(vector: Vector, stride: number): Int16Array {
  const numbers = new Int16Array(stride);
  const scale = ONE * inverseLength(vector);
  for (let at = 0; at < vector.length; at++) numbers[at] = Math.round((vector[at] as number) * scale);
  return numbers;
}

/** 0 where it has no length, or one that is no number. */
export function inverseLength(vector: Vector): number {
  let squared = 0;
  for (let at = 0; at < vector.length; at++) squared += (vector[at] as number) ** 2;
  const inverse = 1 / Math.sqrt(squared);
  return Number.isFinite(inverse) ? inverse : 0;
}
