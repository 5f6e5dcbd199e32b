import { EVENT_DAYS, EXTRACT_TOPIC, type AddEvent, type AddResult, type EventStatus } from "@engram/memory";
import type { Executor } from "@engram/sql";

interface EventRow extends Record<string, unknown> {
  readonly id: string;
  readonly status: EventStatus;
  readonly results: AddResult[] | null;
  readonly error: string | null;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly completed_at: Date | null;
}

/*
 * What is not completed is where its owner's work is: leased, parked, held back by a budget, else in the queue. A memory
 * that is gone by now is left out of the results.
 */
const GET = `SELECT e.id, e.created_at, e.started_at, e.completed_at,
  CASE WHEN e.completed_at IS NOT NULL THEN CASE WHEN e.error IS NULL THEN 'done' ELSE 'failed' END
    WHEN o.parked_at IS NOT NULL OR (o.lease IS NULL AND o.error ~ '^budget:') THEN 'parked'
    WHEN o.lease IS NOT NULL THEN 'running' ELSE 'queued' END AS status,
  CASE WHEN e.completed_at IS NULL THEN o.error ELSE e.error END AS error,
  (SELECT jsonb_agg(jsonb_build_object('id', m.id, 'memory', m.content, 'event', r.one ->> 'event') ORDER BY r.n)
   FROM jsonb_array_elements(e.results) WITH ORDINALITY AS r (one, n) JOIN public.memories m ON m.id = (r.one ->> 'id')::uuid) AS results
FROM engram.events e LEFT JOIN engram.outbox o ON o.topic = '${EXTRACT_TOPIC}' AND o.key = e.owner
WHERE e.id = $1::uuid AND e.project_id = $2::uuid`;

export async function getEvent(db: Executor, projectId: string, id: string): Promise<AddEvent | undefined> {
  const [row] = await db.query<EventRow>(GET, [id, projectId]);
  if (row === undefined) return undefined;
  return {
    id: row.id,
    status: row.status,
    results: row.completed_at === null ? [] : (row.results ?? []),
    error: row.error,
    createdAt: row.created_at,
    startedAt: row.started_at,
    completedAt: row.completed_at,
  };
}

/** An event that has just been made, of which something waits: what its owner's work is doing by now, a look tells later. */
export function queuedEvent(id: string, createdAt: Date): AddEvent {
  return { id, status: "queued", results: [], error: null, createdAt, startedAt: null, completedAt: null };
}

/** Rows of one DELETE, as everywhere: PGlite blocks its process. */
const SWEEP_CHUNK = 500;

/*
 * An event alone knows when its messages expire. So that of one which could not be read stays until then, and takes the
 * words with it.
 */
const SWEEP = `WITH chosen AS MATERIALIZED (
  SELECT id FROM engram.events WHERE completed_at <= statement_timestamp() - interval '${EVENT_DAYS} days'
    AND (error IS NULL OR memory_expires_at IS NULL OR memory_expires_at <= statement_timestamp())
  ORDER BY completed_at LIMIT ${SWEEP_CHUNK} FOR UPDATE SKIP LOCKED),
gone AS (DELETE FROM engram.events e USING chosen c WHERE e.id = c.id RETURNING e.id, e.message_ids, e.memory_expires_at),
blanked AS (
  UPDATE engram.messages m SET content = '', name = NULL FROM gone g
  WHERE g.memory_expires_at IS NOT NULL AND m.id = ANY (g.message_ids) AND m.event_id = g.id AND m.failed_at IS NOT NULL)
SELECT 1 AS one FROM gone`;

/** See `Conversations.sweepEvents`. Safe from several processes. */
export async function sweepEvents(db: Executor): Promise<{ deleted: number; more: boolean }> {
  const rows = await db.query(SWEEP);
  return { deleted: rows.length, more: rows.length === SWEEP_CHUNK };
}
