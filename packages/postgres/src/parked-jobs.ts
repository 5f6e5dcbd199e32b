import type { ParkedJobs, ParkedWork, WorkId } from "@engram/memory";
import type { Executor } from "@engram/sql";

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
const DISCARD = `UPDATE engram.outbox SET discarded_at = clock_timestamp() WHERE discarded_at IS NULL AND ${CHOSEN} RETURNING 1 AS one`;

/** Parked work in PostgreSQL. */
export function createParkedJobs(db: Executor): ParkedJobs {
  const change = async (statement: string, ids: readonly WorkId[] | undefined): Promise<number> => {
    const values = [ids?.map((id) => id.topic) ?? null, ids?.map((id) => id.key) ?? null];
    return (await db.query(statement, values)).length;
  };
  return {
    async list({ limit, after }) {
      const values = [after?.key ?? null, after?.topic ?? null, limit];
      return (await db.query<ParkedRow>(LIST, values)).map(toParkedWork);
    },
    retry: (ids) => change(RETRY, ids),
    discard: (ids) => change(DISCARD, ids),
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
