import type { Claimed, ClaimOptions, Failure, Outbox, OutboxDepth } from "@engram/memory";
import type { Executor } from "@engram/sql";

/*
 * PROTOCOL: one work row per (topic, key), kept until its effect is done and certain. A claim leases rows to a token;
 * only that token can acknowledge, fail or release them; generation tells whether the row was dirtied meanwhile.
 */

interface ClaimedRow extends Record<string, unknown> {
  readonly key: string;
  readonly gen: number;
  readonly attempts: number;
  readonly in_doubt: boolean;
  readonly alone: boolean;
  readonly waited_seconds: number;
  readonly request_id: string | null;
}

// statement_timestamp(), because clock_timestamp() is no index condition (0.25 ms against 18 ms at 100,000 pending).
// Alone: it was tried before, and what tried it died with it or found it at fault.
const CLAIM = `WITH p AS MATERIALIZED (
  SELECT topic, key FROM engram.outbox WHERE topic = $1 AND parked_at IS NULL AND due_at <= statement_timestamp()
  ORDER BY lane, due_at LIMIT $2::int FOR UPDATE SKIP LOCKED)
UPDATE engram.outbox o SET lease = $3::uuid, due_at = clock_timestamp() + $4::float8 * interval '1 s', attempts = attempts + 1,
  doubt_until = CASE WHEN o.lease IS NOT NULL THEN clock_timestamp() + $5::float8 * interval '1 s'
                     WHEN o.doubt_until <= clock_timestamp() THEN NULL ELSE o.doubt_until END
FROM p WHERE (o.topic, o.key) = (p.topic, p.key)
RETURNING o.key, o.gen, o.attempts, o.doubt_until IS NOT NULL AS in_doubt, o.request_id,
  o.attempts > 1 AND (o.error IS NULL OR o.error !~ '^(unavailable|rate_limited):') AS alone,
  extract(epoch FROM clock_timestamp() - o.created_at)::float8 AS waited_seconds`;

async function claim(db: Executor, options: ClaimOptions): Promise<readonly Claimed[]> {
  const rows = await db.query<ClaimedRow>(CLAIM, [
    options.topic,
    options.limit,
    options.token,
    options.leaseSeconds,
    options.horizonSeconds,
  ]);
  return rows.map((row) => ({
    key: row.key,
    generation: row.gen,
    attempts: row.attempts,
    inDoubt: row.in_doubt,
    alone: row.alone,
    waitedSeconds: row.waited_seconds,
    requestId: row.request_id,
  }));
}

// A row vanishes only by token, generation and no doubt; a doubt ends in the claim of a later pass, not here. SKIP LOCKED: an acknowledgement never waits for a writer; what
// it passes over keeps its lease, runs out of it and is worked once more.
const ACKNOWLEDGE = `WITH d AS (SELECT * FROM unnest($2::uuid[], $3::bigint[]) d(key, gen)),
mine AS MATERIALIZED (
  SELECT o.topic, o.key, d.gen AS seen, (o.gen = d.gen AND o.doubt_until IS NULL) AS fin
  FROM d JOIN engram.outbox o ON o.topic = $4 AND o.key = d.key WHERE o.lease = $1::uuid FOR UPDATE OF o SKIP LOCKED),
gone AS (DELETE FROM engram.outbox o USING mine m WHERE m.fin AND (o.topic, o.key) = (m.topic, m.key) RETURNING 1),
kept AS (UPDATE engram.outbox o SET lease = NULL, attempts = 0, error = NULL,
    due_at = CASE WHEN o.gen <> m.seen THEN clock_timestamp() ELSE GREATEST(clock_timestamp(), o.doubt_until) END
  FROM mine m WHERE NOT m.fin AND (o.topic, o.key) = (m.topic, m.key) RETURNING 1)
SELECT (SELECT count(*) FROM gone)::int AS gone, (SELECT count(*) FROM kept)::int AS kept`;

async function acknowledge(
  db: Executor,
  topic: string,
  token: string,
  done: readonly Claimed[],
): Promise<{ gone: number; kept: number }> {
  const [row] = await db.query<{ gone: number; kept: number }>(ACKNOWLEDGE, [
    token,
    done.map((one) => one.key),
    done.map((one) => String(one.generation)),
    topic,
  ]);
  return row ?? { gone: 0, kept: 0 };
}

// Dirtied meanwhile: due at once, never parked. An older doubt is kept.
const FAIL = `UPDATE engram.outbox o SET lease = NULL, error = d.error,
  doubt_until = CASE WHEN d.doubt THEN clock_timestamp() + $4::float8 * interval '1 s' ELSE o.doubt_until END,
  due_at = CASE WHEN o.gen <> d.gen THEN clock_timestamp() ELSE clock_timestamp() + d.retry * interval '1 s' END,
  attempts = CASE WHEN o.gen <> d.gen THEN 0 ELSE o.attempts END,
  parked_at = CASE WHEN d.park AND o.gen = d.gen THEN clock_timestamp() END
FROM (SELECT o.topic, o.key, d.gen, d.error, d.retry, d.doubt, d.park
  FROM json_to_recordset($3::json) AS d(key uuid, gen bigint, error text, retry float8, doubt bool, park bool)
  JOIN engram.outbox o ON o.topic = $2 AND o.key = d.key WHERE o.lease = $1::uuid FOR UPDATE OF o SKIP LOCKED) d
WHERE (o.topic, o.key) = (d.topic, d.key) RETURNING 1 AS one`;

async function fail(
  db: Executor,
  topic: string,
  token: string,
  failures: readonly Failure[],
  horizonSeconds: number,
): Promise<number> {
  const input = failures.map((one) => ({
    key: one.key,
    gen: one.generation,
    error: one.error,
    retry: one.retryInSeconds,
    doubt: one.doubt,
    park: one.park,
  }));
  return (await db.query(FAIL, [token, topic, JSON.stringify(input), horizonSeconds])).length;
}

const RELEASE = `UPDATE engram.outbox o SET lease = NULL, attempts = greatest(0, o.attempts - 1), due_at = clock_timestamp()
WHERE o.topic = $2 AND o.key = ANY($3::uuid[]) AND o.lease = $1::uuid RETURNING 1 AS one`;

async function release(db: Executor, topic: string, token: string, claimed: readonly Claimed[]): Promise<number> {
  return (await db.query(RELEASE, [token, topic, claimed.map((one) => one.key)])).length;
}

// Without work that is scheduled for later by its own will: what waits out a doubt is done for everyone but the worker.
const DEPTH = `SELECT topic, (count(*) FILTER (WHERE parked_at IS NULL))::int AS pending, (count(*) FILTER (WHERE parked_at IS NOT NULL))::int AS parked,
  coalesce(extract(epoch FROM now() - min(created_at) FILTER (WHERE parked_at IS NULL)), 0)::float8 AS oldest_seconds
FROM engram.outbox WHERE NOT (lease IS NULL AND attempts = 0 AND doubt_until IS NOT NULL AND due_at >= doubt_until) GROUP BY topic`;

async function depth(db: Executor): Promise<readonly OutboxDepth[]> {
  const rows = await db.query<{ topic: string; pending: number; parked: number; oldest_seconds: number }>(DEPTH);
  return rows.map((row) => ({
    topic: row.topic,
    pending: row.pending,
    parked: row.parked,
    oldestSeconds: row.oldest_seconds,
  }));
}

/** The outbox in PostgreSQL. Nothing in it needs a session's state, so it works through a pooler. */
export function createOutbox(db: Executor): Outbox {
  return {
    claim: (options) => claim(db, options),
    acknowledge: (topic, token, done) => acknowledge(db, topic, token, done),
    fail: (topic, token, failures, horizonSeconds) => fail(db, topic, token, failures, horizonSeconds),
    release: (topic, token, claimed) => release(db, topic, token, claimed),
    depth: () => depth(db),
  };
}
