import type { Executor } from "@engram/sql";

/** Rows of one DELETE: keeps the transition table small, and PGlite (which blocks the process) answering. */
const CHUNK = 500;

/**
 * Deletes memories that have expired, one chunk; returns how many. Fewer than the chunk: none are left. They are shown to
 * nobody from their last moment on; this takes their content and, through the trigger, their vectors away.
 */
export async function sweepExpired(db: Executor): Promise<{ deleted: number; more: boolean }> {
  const rows = await db.query(
    `WITH chosen AS MATERIALIZED (
       SELECT id FROM public.memories WHERE expires_at <= statement_timestamp() ORDER BY expires_at LIMIT ${CHUNK} FOR UPDATE SKIP LOCKED)
     DELETE FROM public.memories m USING chosen c WHERE m.id = c.id RETURNING 1 AS one`,
  );
  return { deleted: rows.length, more: rows.length === CHUNK };
}
