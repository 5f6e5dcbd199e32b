import { toDecimals, type CollectionRef, type IndexPoint, type IndexPointWithVector } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { relationOf } from "./tables.ts";

/** What people read beside a vector is taken from the row itself, which every statement joins. */
const FROM_ROW = `coalesce(m.user_id, '') AS user_id, m.content AS memory, m.metadata, m.created_at, m.updated_at`;

/**
 * The points among `d` that stand, locked before their memories are: whoever deletes a point by hand holds it and wants its
 * memory, and would wait for a writer that holds the memory and wants the point. Of those that somebody else holds none is
 * given.
 */
function lockStanding(collection: CollectionRef): string {
  return `standing AS MATERIALIZED (
    SELECT v.id FROM ${relationOf(collection)} v WHERE v.id IN (SELECT d.id FROM d) ORDER BY v.id FOR UPDATE OF v SKIP LOCKED)`;
}

/**
 * Only rows that still have the version that was embedded, under a lock that a delete waits for and an update does not
 * (without it 450 orphans in 787 rounds, with FOR SHARE deadlocks); what is locked otherwise is left for the next claim.
 * Returns the ids that were written.
 */
export function upsert(
  db: Executor,
  collection: CollectionRef,
  points: readonly IndexPointWithVector[],
): Promise<readonly string[]> {
  const written = points.map(({ memory, hash, vector }) => ({
    id: memory.id,
    version: memory.version,
    tenant: memory.tenant,
    fingerprint: hash,
    embedding: `[${toDecimals(vector).join(",")}]`,
  }));
  return upsertText(db, collection, written);
}

/** A point as PostgreSQL reads it. */
export interface WrittenPoint {
  readonly id: string;
  readonly version: number;
  readonly tenant: string;
  readonly fingerprint: string;
  readonly embedding: string;
}

/** The same with vectors that are text already. */
export async function upsertText(
  db: Executor,
  collection: CollectionRef,
  points: readonly WrittenPoint[],
): Promise<readonly string[]> {
  const rows = await db.query<{ id: string }>(
    `WITH d AS MATERIALIZED (
       SELECT * FROM json_to_recordset($1::json) AS d(id uuid, version bigint, fingerprint text, embedding text, tenant uuid)),
     ${lockStanding(collection)}
     INSERT INTO ${relationOf(collection)} AS v (id, hash, version, fingerprint, embedding, tenant, user_id, memory, metadata, created_at, updated_at)
     SELECT m.id, m.id::text, d.version, d.fingerprint, d.embedding::vector, d.tenant, ${FROM_ROW}
     FROM d JOIN public.memories m ON m.id = d.id AND m.version = d.version
     WHERE d.id IN (SELECT id FROM standing) OR NOT EXISTS (SELECT FROM ${relationOf(collection)} o WHERE o.id = d.id)
     ORDER BY m.id FOR KEY SHARE OF m SKIP LOCKED
     ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, version = excluded.version, fingerprint = excluded.fingerprint,
       embedding = excluded.embedding, tenant = excluded.tenant, user_id = excluded.user_id, memory = excluded.memory,
       metadata = excluded.metadata, created_at = excluded.created_at, updated_at = excluded.updated_at RETURNING v.id`,
    [JSON.stringify(points)],
  );
  return rows.map((row) => row.id);
}

/** All but the vector, where the text is still the one that was embedded. Returns the ids that were written. */
export async function setPayload(
  db: Executor,
  collection: CollectionRef,
  points: readonly IndexPoint[],
): Promise<readonly string[]> {
  const input = points.map(({ memory, hash }) => ({
    id: memory.id,
    version: memory.version,
    tenant: memory.tenant,
    fingerprint: hash,
  }));
  const rows = await db.query<{ id: string }>(
    `WITH d AS MATERIALIZED (
       SELECT * FROM json_to_recordset($1::json) AS d(id uuid, version bigint, fingerprint text, tenant uuid)),
     ${lockStanding(collection)}
     UPDATE ${relationOf(collection)} v SET version = d.version, tenant = d.tenant, user_id = d.user_id, memory = d.memory,
       metadata = d.metadata, created_at = d.created_at, updated_at = d.updated_at FROM (
       SELECT m.id, d.version, d.fingerprint, d.tenant, ${FROM_ROW}
       FROM d JOIN public.memories m ON m.id = d.id AND m.version = d.version
       WHERE d.id IN (SELECT id FROM standing) ORDER BY m.id FOR KEY SHARE OF m SKIP LOCKED) d
     WHERE v.id = d.id AND v.fingerprint = d.fingerprint RETURNING v.id`,
    [JSON.stringify(input)],
  );
  return rows.map((row) => row.id);
}
