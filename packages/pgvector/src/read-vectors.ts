import { toUnit, type CollectionRef, type StoredVector } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { relationOf } from "./tables.ts";

/** So many vectors of one statement. */
const CHUNK = 500;
/** pgvector sends a vector as the number of its dimensions, two bytes without a meaning, and its numbers, the highest byte first. */
const HEADER_BYTES = 4;

/** The vectors of the points among `ids`, at unit length; all zeros where one has no direction, which is like nothing. */
export async function readVectors(
  db: Executor,
  collection: CollectionRef,
  ids: readonly string[],
): Promise<ReadonlyMap<string, StoredVector>> {
  const vectors = new Map<string, StoredVector>();
  for (let from = 0; from < ids.length; from += CHUNK) {
    const rows = await db.query<{ id: string; version: number; sent: string }>(
      `SELECT v.id, v.version, encode(vector_send(v.embedding), 'base64') AS sent FROM ${relationOf(collection)} v
       WHERE v.id = ANY ($1::uuid[]) AND v.embedding IS NOT NULL`,
      [ids.slice(from, from + CHUNK)],
    );
    for (const { id, version, sent } of rows) vectors.set(id, { version, vector: toVector(sent) });
  }
  return vectors;
}

function toVector(sent: string): Float32Array {
  // Every processor that Node runs on has the lowest byte first.
  const bytes = Buffer.from(sent, "base64").subarray(HEADER_BYTES).swap32();
  const vector = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  return toUnit(vector) ?? vector.fill(0);
}
