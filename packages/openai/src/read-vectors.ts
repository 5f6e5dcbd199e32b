import { MemoryError, toUnit } from "@engram/memory";

const BYTES_PER_NUMBER = Float32Array.BYTES_PER_ELEMENT;

/**
 * The vectors of an answer, in the order of the inputs and of unit length: not every compatible service keeps to that.
 * Each comes as base64 of little-endian single-precision numbers, as asked for, or as an array from a service that knows
 * no base64.
 *
 * @throws MemoryError `unavailable` when they are not what was asked for.
 */
export function readVectors(data: unknown, count: number): readonly Float32Array[] {
  if (!Array.isArray(data) || data.length !== count)
    throw new MemoryError("unavailable", "The model provider gave another number of vectors than asked for");
  const byIndex = new Map((data as readonly Item[]).map((item) => [item?.index, item?.embedding]));
  return Array.from({ length: count }, (_, index) => {
    if (!byIndex.has(index)) throw new MemoryError("unavailable", "The model provider numbered its vectors wrongly");
    const vector = toUnit(numbersOf(byIndex.get(index)) ?? []);
    if (vector === undefined)
      throw new MemoryError("unavailable", "The model provider gave something that is no vector");
    return vector;
  });
}

type Item = { readonly index?: unknown; readonly embedding?: unknown } | null;

function numbersOf(embedding: unknown): ArrayLike<number> | undefined {
  if (typeof embedding === "string") return decode(embedding);
  return Array.isArray(embedding) && embedding.every(Number.isFinite) ? (embedding as number[]) : undefined;
}

function decode(base64: string): Float32Array | undefined {
  // Copied out of Node's pool, where nothing says that it starts on a number's boundary.
  const bytes = new Uint8Array(Buffer.from(base64, "base64"));
  return bytes.length % BYTES_PER_NUMBER === 0 ? new Float32Array(bytes.buffer) : undefined;
}
