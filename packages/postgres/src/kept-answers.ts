import {
  ANSWER_HOURS,
  keyTaken,
  type IndexStatus,
  type KeptAnswer,
  type KeptAnswers,
  type KeptResult,
  type KeyedWrite,
} from "@engram/memory";
import type { Executor, Values } from "@engram/sql";
import { parseMemoryRow, toMemory, type MemoryJson } from "./rows.ts";

const SINCE = `statement_timestamp() - interval '${ANSWER_HOURS} hours'`;

/**
 * The CTE `kept`, which keeps the answer in the statement of its effect: `answer` selects `project_id, user_id, memory_id,
 * result`, one row where there was an effect and none where there was not. A plain INSERT: where another write holds the
 * key, the whole statement is undone (23505, which becomes `keyTaken`).
 */
export function keepAnswer(keyed: KeyedWrite, values: Values, answer: string): string {
  return `kept AS (INSERT INTO engram.idempotency (key_hash, request_hash, project_id, user_id, memory_id, result)
    SELECT ${digest(keyed.key, values)}, ${digest(keyed.request, values)}, a.project_id, a.user_id, a.memory_id, a.result FROM (${answer}) a)`;
}

/** A digest as a value of the statement. */
export function digest(hex: string, values: Values): string {
  return `decode(${values.add(hex)}::text, 'hex')`;
}

/** The answers to keyed writes, in PostgreSQL. */
export function createKeptAnswers(db: Executor): KeptAnswers {
  return {
    find: (keys) => find(db, keys),
    begin: (keyed, projectId) => begin(db, keyed, projectId),
    finish: (keyed, value) => finish(db, keyed, value),
    settle: (keyed, status) => settle(db, keyed, status),
    sweep: () => sweepIdempotencyKeys(db),
  };
}

interface KeptRow extends Record<string, unknown> {
  readonly key: string;
  readonly request: string;
  readonly state: KeptAnswer["state"];
  readonly result: (Omit<KeptResult, "memory"> & { readonly memory?: MemoryJson }) | null;
  readonly index_status: IndexStatus | null;
}

// What has run out is taken away where it is met, so that its key can be inserted again. An expired memory is as gone as
// a deleted one, though no trigger has blanked its answer yet.
const FIND = `WITH keys AS MATERIALIZED (SELECT decode(k, 'hex') AS hash FROM unnest($1::text[]) k),
old AS (DELETE FROM engram.idempotency k WHERE k.key_hash = ANY (ARRAY(SELECT hash FROM keys)) AND k.created_at <= ${SINCE})
SELECT encode(k.key_hash, 'hex') AS key, encode(k.request_hash, 'hex') AS request, k.result, k.index_status,
  CASE WHEN NOT k.done THEN 'begun' WHEN k.result IS NULL OR (k.memory_id IS NOT NULL AND m.id IS NULL) THEN 'gone' ELSE 'done' END AS state
FROM engram.idempotency k
LEFT JOIN public.memories m ON m.id = k.memory_id AND (m.expires_at IS NULL OR m.expires_at > statement_timestamp())
WHERE k.key_hash = ANY (ARRAY(SELECT hash FROM keys)) AND k.created_at > ${SINCE}`;

async function find(db: Executor, keys: readonly string[]): Promise<ReadonlyMap<string, KeptAnswer>> {
  const rows = keys.length === 0 ? [] : await db.query<KeptRow>(FIND, [keys]);
  return new Map(
    rows.map((row) => [row.key, { request: row.request, state: row.state, result: toResult(row) } as const]),
  );
}

function toResult({ state, result, index_status: settled }: KeptRow): KeptResult {
  if (state !== "done" || result === null) return { settled: false };
  const { memory, ...rest } = result;
  if (memory === undefined) return { ...rest, settled: false };
  const row = parseMemoryRow(memory);
  return {
    ...rest,
    memory: toMemory(settled === null ? row : { ...row, index_status: settled }),
    settled: settled !== null,
  };
}

// (xmax = 0): the row is new. A row of the same write that is not done is locked and left as it is; else no row comes back.
const BEGIN = `INSERT INTO engram.idempotency AS k (key_hash, request_hash, project_id, done)
VALUES (decode($1::text, 'hex'), decode($2::text, 'hex'), $3::uuid, false)
ON CONFLICT (key_hash) DO UPDATE SET done = false WHERE k.request_hash = excluded.request_hash AND NOT k.done
RETURNING (k.xmax = 0) AS first`;

async function begin(db: Executor, { key, request }: KeyedWrite, projectId: string): Promise<boolean> {
  const [row] = await db.query<{ first: boolean }>(BEGIN, [key, request, projectId]);
  if (row === undefined) throw keyTaken(new Error("the key is done, or another request's"));
  return row.first;
}

async function finish(db: Executor, { key }: KeyedWrite, value: unknown): Promise<void> {
  const rows = await db.query(
    `UPDATE engram.idempotency SET done = true, result = json_build_object('value', $2::json)
     WHERE key_hash = decode($1::text, 'hex') AND NOT done RETURNING 1 AS one`,
    [key, JSON.stringify(value)],
  );
  if (rows.length === 0) throw keyTaken(new Error("another process was first to finish"));
}

async function settle(db: Executor, { key }: KeyedWrite, status: IndexStatus): Promise<IndexStatus | undefined> {
  const [row] = await db.query<{ index_status: IndexStatus }>(
    `UPDATE engram.idempotency SET index_status = coalesce(index_status, $2::text)
     WHERE key_hash = decode($1::text, 'hex') RETURNING index_status`,
    [key, status],
  );
  return row?.index_status;
}

/** Rows of one DELETE, as everywhere: PGlite blocks its process. */
const SWEEP_CHUNK = 500;

/** Takes away answers older than `ANSWER_HOURS`, one chunk. Fewer than the chunk: none are left. Safe from several processes. */
async function sweepIdempotencyKeys(db: Executor): Promise<{ deleted: number; more: boolean }> {
  const rows = await db.query(
    `DELETE FROM engram.idempotency WHERE key_hash = ANY (ARRAY(
       SELECT key_hash FROM engram.idempotency WHERE created_at <= ${SINCE} ORDER BY created_at LIMIT ${SWEEP_CHUNK} FOR UPDATE SKIP LOCKED))
     RETURNING 1 AS one`,
  );
  return { deleted: rows.length, more: rows.length === SWEEP_CHUNK };
}
