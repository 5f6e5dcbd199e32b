import {
  SCHEDULE_TOPIC,
  type Claimed,
  type ClaimOptions,
  type Failure,
  type Outbox,
  type OutboxDepth,
} from "@engram/memory";
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
  readonly last_fair: number | null;
}

/** Of each user's work so many rows join a batch before anybody's further ones do. */
const FAIR_ROWS = 4;
/** Users looked at in one direction of one lane to find enough whose work is due; each look is one index probe. */
const FAIR_PROBES_MAX = 64;

/*
 * The topic as only the index of that order spells it: by a plain `o.topic` the planner takes, with a sort of the backlog
 * for each user, whichever index its statistics make look shorter (640 ms against 2 at 20,000 pending).
 */
const BY_FAIR = 'o.topic COLLATE "C"';
const BY_DUE = 'o.topic COLLATE "POSIX"';

/** Leases the rows of `p`. */
const TAKE = `UPDATE engram.outbox o SET lease = $3::uuid, due_at = clock_timestamp() + $4::float8 * interval '1 s', attempts = attempts + 1,
  doubt_until = CASE WHEN o.lease IS NOT NULL THEN clock_timestamp() + $5::float8 * interval '1 s'
                     WHEN o.doubt_until <= clock_timestamp() THEN NULL ELSE o.doubt_until END
FROM p WHERE (o.topic, o.key) = (p.topic, p.key)
RETURNING o.key, o.gen, o.attempts, o.doubt_until IS NOT NULL AS in_doubt, o.request_id,
  o.attempts > 1 AND (o.error IS NULL OR o.error !~ '^(unavailable|rate_limited):') AS alone,
  extract(epoch FROM clock_timestamp() - o.created_at)::float8 AS waited_seconds`;

/*
 * Fair: a loose scan over the users (`fair`) that have work, from a rotating cursor on, a few rows of each; then what is
 * oldest, so that a lone user gets the whole batch. Lane 1 (bulk) after lane 0. A user's backlog of 20,000 delays others
 * by one batch, where plain oldest-first would have them wait for all of it.
 * statement_timestamp(), because clock_timestamp() is no index condition (0.25 ms against 18 ms at 100,000 pending).
 * Alone: it was tried before, and what tried it died with it or found it at fault.
 */
const CLAIM = `WITH RECURSIVE stretch (nth, lane, low, high) AS (
  VALUES (0, 0, $6::bigint, 2147483647::bigint), (1, 0, -2147483649, $6), (2, 1, $6, 2147483647), (3, 1, -2147483649, $6)),
owner AS (
  SELECT s.nth, s.lane, s.high, 1 AS step, f.fair, f.due_at FROM stretch s, LATERAL (
    SELECT o.fair, o.due_at FROM engram.outbox o
    WHERE ${BY_FAIR} = $1 AND o.parked_at IS NULL AND o.lane = s.lane AND o.fair > s.low AND o.fair <= s.high ORDER BY o.fair, o.due_at LIMIT 1) f
  UNION ALL
  SELECT w.nth, w.lane, w.high, w.step + 1, f.fair, f.due_at FROM owner w, LATERAL (
    SELECT o.fair, o.due_at FROM engram.outbox o
    WHERE ${BY_FAIR} = $1 AND o.parked_at IS NULL AND o.lane = w.lane AND o.fair > w.fair AND o.fair <= w.high ORDER BY o.fair, o.due_at LIMIT 1) f
  WHERE w.step < ${FAIR_PROBES_MAX}),
chosen AS MATERIALIZED (
  SELECT nth, step, lane, fair FROM owner WHERE due_at <= statement_timestamp() ORDER BY nth, step LIMIT greatest(1, $2::int / ${FAIR_ROWS})),
shared AS MATERIALIZED (
  SELECT r.* FROM chosen c, LATERAL (
    SELECT o.topic, o.key, o.lane, o.due_at, 0 AS turn FROM engram.outbox o
    WHERE ${BY_FAIR} = $1 AND o.parked_at IS NULL AND o.lane = c.lane AND o.fair = c.fair AND o.due_at <= statement_timestamp()
    ORDER BY o.due_at LIMIT ${FAIR_ROWS} FOR UPDATE SKIP LOCKED) r),
oldest AS MATERIALIZED (
  SELECT o.topic, o.key, o.lane, o.due_at, 1 AS turn FROM engram.outbox o
  WHERE ${BY_DUE} = $1 AND o.parked_at IS NULL AND o.due_at <= statement_timestamp()
  ORDER BY o.lane, o.due_at LIMIT $2::int FOR UPDATE SKIP LOCKED),
p AS (
  SELECT topic, key FROM (SELECT * FROM shared UNION ALL SELECT * FROM oldest) u
  GROUP BY topic, key ORDER BY min(lane), min(turn), min(due_at) LIMIT $2::int)
${TAKE},
  (SELECT c.fair FROM chosen c ORDER BY c.nth DESC, c.step DESC LIMIT 1) AS last_fair`;

/**
 * What needs no embedder: work whose memory is gone, for when there is no embedder and for mass deletions. Looks each memory
 * up in the order of the work, which an anti join would not; without anything gone, it goes through all that is due.
 */
const CLAIM_ABSENT = `WITH p AS MATERIALIZED (
  SELECT o.topic, o.key FROM engram.outbox o WHERE ${BY_DUE} = $1 AND o.parked_at IS NULL AND o.due_at <= statement_timestamp()
    AND coalesce((SELECT false FROM public.memories m WHERE m.id = o.key), true)
  ORDER BY o.lane, o.due_at LIMIT $2::int FOR UPDATE OF o SKIP LOCKED)
${TAKE}, NULL::int AS last_fair`;

/** Where the next claim of each topic begins among its users; anywhere is as good, so a process starts where it likes. */
type Cursors = Map<string, number>;

function randomFair(): number {
  return Math.floor((Math.random() - 0.5) * 2 ** 32);
}

async function claim(db: Executor, cursors: Cursors, options: ClaimOptions): Promise<readonly Claimed[]> {
  const rows =
    options.only === "absent"
      ? await db.query<ClaimedRow>(CLAIM_ABSENT, claimValues(options))
      : await claimFairly(db, cursors, options);
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

async function claimFairly(db: Executor, cursors: Cursors, options: ClaimOptions): Promise<readonly ClaimedRow[]> {
  const cursor = cursors.get(options.topic) ?? randomFair();
  const rows = await db.query<ClaimedRow>(CLAIM, [...claimValues(options), cursor]);
  cursors.set(options.topic, rows[0]?.last_fair ?? randomFair());
  return rows;
}

function claimValues({ topic, limit, token, leaseSeconds, horizonSeconds }: ClaimOptions): readonly unknown[] {
  return [topic, limit, token, leaseSeconds, horizonSeconds];
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

// Dirtied meanwhile: due at once, never parked. An older doubt is kept. What failed with the world counts anew from its
// first failure of its own, so that a week without a provider parks nothing.
const FAIL = `UPDATE engram.outbox o SET lease = NULL, error = d.error,
  doubt_until = CASE WHEN d.doubt THEN clock_timestamp() + $4::float8 * interval '1 s' ELSE o.doubt_until END,
  due_at = CASE WHEN o.gen <> d.gen THEN clock_timestamp() ELSE clock_timestamp() + d.retry * interval '1 s' END,
  attempts = CASE WHEN o.gen <> d.gen THEN 0 WHEN o.error ~ '^(unavailable|rate_limited):' AND d.error !~ '^(unavailable|rate_limited):' THEN 1 ELSE o.attempts END,
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

// What a writer holds at this moment keeps its lease and runs out of it: a stop does not wait for a bulk load.
const RELEASE = `UPDATE engram.outbox o SET lease = NULL, attempts = greatest(0, o.attempts - 1), due_at = clock_timestamp()
FROM (SELECT o.topic, o.key FROM engram.outbox o WHERE o.topic = $2 AND o.key = ANY($3::uuid[]) AND o.lease = $1::uuid FOR UPDATE OF o SKIP LOCKED) d
WHERE (o.topic, o.key) = (d.topic, d.key) RETURNING 1 AS one`;

async function release(db: Executor, topic: string, token: string, claimed: readonly Claimed[]): Promise<number> {
  return (await db.query(RELEASE, [token, topic, claimed.map((one) => one.key)])).length;
}

// Without work that is scheduled for later by its own will: what waits out a doubt is done for everyone but the worker.
const DEPTH = `SELECT topic, (count(*) FILTER (WHERE parked_at IS NULL))::int AS pending,
  (count(*) FILTER (WHERE parked_at IS NULL AND lane = 0))::int AS pending_single,
  (count(*) FILTER (WHERE parked_at IS NOT NULL AND discarded_at IS NULL))::int AS parked,
  coalesce(extract(epoch FROM now() - min(created_at) FILTER (WHERE parked_at IS NULL)), 0)::float8 AS oldest_seconds
FROM engram.outbox WHERE topic <> '${SCHEDULE_TOPIC}'
  AND NOT (lease IS NULL AND attempts = 0 AND doubt_until IS NOT NULL AND due_at >= doubt_until) GROUP BY topic`;

interface DepthRow extends Record<string, unknown> {
  readonly topic: string;
  readonly pending: number;
  readonly pending_single: number;
  readonly parked: number;
  readonly oldest_seconds: number;
}

async function depth(db: Executor): Promise<readonly OutboxDepth[]> {
  const rows = await db.query<DepthRow>(DEPTH);
  return rows.map((row) => ({
    topic: row.topic,
    pending: row.pending,
    pendingSingle: row.pending_single,
    parked: row.parked,
    oldestSeconds: row.oldest_seconds,
  }));
}

/** The outbox in PostgreSQL. Nothing in it needs a session's state, so it works through a pooler. */
export function createOutbox(db: Executor): Outbox {
  const cursors: Cursors = new Map();
  return {
    claim: (options) => claim(db, cursors, options),
    acknowledge: (topic, token, done) => acknowledge(db, topic, token, done),
    fail: (topic, token, failures, horizonSeconds) => fail(db, topic, token, failures, horizonSeconds),
    release: (topic, token, claimed) => release(db, topic, token, claimed),
    depth: () => depth(db),
  };
}
