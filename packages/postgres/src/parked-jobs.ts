import { EXTRACT_TOPIC, type ParkedJobs, type ParkedWork, type WorkId } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { racing } from "./racing.ts";

interface ParkedRow extends Record<string, unknown> {
  readonly topic: string;
  readonly key: string;
  readonly error: string | null;
  readonly attempts: number;
  readonly request_id: string | null;
  readonly created_at: Date;
  readonly parked_at: Date;
}

const LIST = `SELECT topic, key, error, attempts, request_id, created_at, parked_at FROM engram.outbox
WHERE parked_at IS NOT NULL AND discarded_at IS NULL AND ($1::uuid IS NULL OR (key, topic) > ($1, $2::text))
ORDER BY key, topic LIMIT $3::int`;

// Without ids: all that is parked and not discarded. The generation moves, as for any other reason to look again.
const CHOSEN = `parked_at IS NOT NULL AND CASE WHEN $1::text[] IS NULL THEN discarded_at IS NULL
  ELSE (topic, key) IN (SELECT * FROM unnest($1::text[], $2::uuid[])) END`;
const RETRY = `UPDATE engram.outbox SET parked_at = NULL, discarded_at = NULL, error = NULL, attempts = 0, gen = gen + 1, due_at = clock_timestamp()
WHERE ${CHOSEN} RETURNING 1 AS one`;
// Talk that was set aside is read again; its trigger makes the work due, of an owner too who has said something since.
const READ_AGAIN = `WITH again AS (
  UPDATE engram.messages m SET failed_at = NULL, attempts = 0 FROM engram.outbox o
  WHERE m.failed_at IS NOT NULL AND o.topic = '${EXTRACT_TOPIC}' AND o.key = m.owner
    AND CASE WHEN $1::text[] IS NULL THEN o.discarded_at IS NULL ELSE (o.topic, o.key) IN (SELECT * FROM unnest($1::text[], $2::uuid[])) END
  RETURNING m.owner)
SELECT DISTINCT owner FROM again`;
const DISCARD = `UPDATE engram.outbox SET discarded_at = clock_timestamp() WHERE discarded_at IS NULL AND ${CHOSEN} RETURNING 1 AS one`;

/** Parked work in PostgreSQL. */
export function createParkedJobs(db: Executor): ParkedJobs {
  const change = async (tx: Executor, statement: string, ids: readonly WorkId[] | undefined): Promise<number> => {
    const values = [ids?.map((id) => id.topic) ?? null, ids?.map((id) => id.key) ?? null];
    return (await tx.query(statement, values)).length;
  };
  // Messages before work rows, as whoever adds to the talk takes their locks.
  const retry = async (tx: Executor, ids: readonly WorkId[] | undefined): Promise<number> =>
    (await change(tx, READ_AGAIN, ids)) + (await change(tx, RETRY, ids));
  return {
    async list({ limit, after }) {
      const values = [after?.key ?? null, after?.topic ?? null, limit];
      return (await db.query<ParkedRow>(LIST, values)).map(toParkedWork);
    },
    retry: (ids) => racing(() => db.transaction((tx) => retry(tx, ids))),
    discard: (ids) => change(db, DISCARD, ids),
  };
}

function toParkedWork(row: ParkedRow): ParkedWork {
  return {
    topic: row.topic,
    key: row.key,
    error: row.error,
    attempts: row.attempts,
    requestId: row.request_id,
    createdAt: row.created_at,
    parkedAt: row.parked_at,
  };
}
