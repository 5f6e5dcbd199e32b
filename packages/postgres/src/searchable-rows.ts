import {
  CHANGES_MAX,
  tenantOf,
  type ChangesAsked,
  type ChangesLook,
  type MemoryFilter,
  type RowsOwner,
  type SearchableRow,
  type SearchableRows,
} from "@engram/memory";
import { filterSql, Values, type Executor } from "@engram/sql";
import { INDEX_STATUS, TOLD_COLUMNS, toMemory, type MemoryRow } from "./rows.ts";
import { talkWaitsSql } from "./talk/messages.ts";

/** Longer than a set is held that nobody asks about. */
const TOLD_FOR = "15 minutes";

interface RowColumns extends Record<string, unknown> {
  readonly id: string;
  readonly version: number;
  readonly level: SearchableRow["level"];
  readonly type: string;
  readonly session_id: string | null;
  readonly session_ids: string[];
  readonly agent_ids: string[];
  /** A time without an end is a text in JSON. */
  readonly created_seconds: number | string;
  readonly expires_seconds: number | string | null;
  readonly words: readonly [lexemes: readonly string[] | null, counts: readonly number[] | null];
}

const ROW = `m.id, m.version, m.level, m.type, m.session_id, m.session_ids, m.agent_ids, date_part('epoch', m.created_at) AS created_seconds,
  date_part('epoch', m.expires_at) AS expires_seconds,
  (SELECT json_build_array(json_agg(w.lexeme), json_agg(coalesce(cardinality(w.positions), 1))) FROM unnest(m.search) w) AS words`;
const LIVE = "m.valid_to IS NULL AND (m.expires_at IS NULL OR m.expires_at > statement_timestamp())";
const OWN = "m.project_id = $1::uuid AND m.user_id = $2::text";

/**
 * Another text where what was read before need not be what stands: the server has started, from a backup perhaps, or the
 * table was filled past its triggers (restored, emptied, written anew).
 */
const EPOCH = `extract(epoch FROM pg_postmaster_start_time())::text || ' ' || pg_relation_filenode('public.memories')::text
  || ' ' || (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())::text`;
const MARK = "pg_snapshot_xmin(pg_current_snapshot())::text";
/** Milliseconds since 1970, by the clock that memories expire by. */
const CLOCK = "(extract(epoch FROM statement_timestamp()) * 1000)::float8";

/** The rows of one user as a search's memory holds them, and the changes that it follows (migration 0050). */
export function createSearchableRows(db: Executor): SearchableRows {
  return {
    list: (owner, limit) => list(db, owner, limit),
    read: (owner, ids) => read(db, owner, ids),
    look: (asked) => look(db, asked),
    join: (ids, filter, asked) => join(db, ids, filter, asked),
    forget: () => forget(db),
  };
}

/** Changes of one DELETE. */
const CHUNK = 10_000;

async function forget(db: Executor): Promise<{ deleted: number; more: boolean }> {
  const [row] = await db.query<{ deleted: number }>("SELECT engram.forget_changes($1::interval, $2::int) AS deleted", [
    TOLD_FOR,
    CHUNK,
  ]);
  const deleted = row?.deleted ?? 0;
  return { deleted, more: deleted === CHUNK };
}

async function list(db: Executor, { projectId, userId }: RowsOwner, limit: number): ReturnType<SearchableRows["list"]> {
  const tenant = tenantOf({ projectId, userId, agentId: null });
  const [row] = await db.query<ListColumns>(
    `SELECT ${MARK} AS since, ${EPOCH} AS epoch,
       (SELECT json_agg(r.id) FROM (SELECT m.id FROM public.memories m WHERE ${OWN} AND ${LIVE} LIMIT $3::int) r) AS ids,
       (SELECT json_agg(c.xid) FROM (SELECT DISTINCT c.xid::text AS xid FROM engram.changes c
         WHERE c.tenant = $4::uuid AND c.xid >= pg_snapshot_xmin(pg_current_snapshot())) c) AS known`,
    [projectId, userId, limit + 1, tenant],
  );
  if (row === undefined) throw new Error("a statement without a table gave no row");
  const { since, epoch, ids, known } = row;
  return ids !== null && ids.length > limit ? undefined : { since, epoch, ids: ids ?? [], known: known ?? [] };
}

async function read(
  db: Executor,
  { projectId, userId }: RowsOwner,
  ids: readonly string[],
): Promise<readonly SearchableRow[]> {
  const rows = await db.query<RowColumns>(
    `SELECT ${ROW} FROM public.memories m WHERE m.id = ANY ($3::uuid[]) AND ${OWN} AND ${LIVE}`,
    [projectId, userId, ids],
  );
  return rows.map(toRow);
}

interface ListColumns extends Record<string, unknown> {
  readonly since: string;
  readonly epoch: string;
  readonly ids: readonly string[] | null;
  readonly known: readonly string[] | null;
}

interface LookColumns extends Record<string, unknown> {
  readonly since: string;
  readonly told_from: string;
  readonly epoch: string;
  readonly clock: number;
  readonly changes: readonly (readonly [n: number, transaction: string, ids: readonly string[] | null])[] | null;
  readonly talking: readonly number[] | null;
}

async function look(db: Executor, asked: readonly ChangesAsked[]): Promise<ChangesLook> {
  const [row] = await db.query<LookColumns>(
    `SELECT ${MARK} AS since, t.told_from::text AS told_from, ${EPOCH} AS epoch, ${CLOCK} AS clock, (
       SELECT json_agg(json_build_array(a.n, c.xid, c.ids)) FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS a (tenant, since, n)
         CROSS JOIN LATERAL (${changesSql("a.tenant", "a.since::xid8")}) c) AS changes, (
       SELECT json_agg(a.n) FROM unnest($1::uuid[]) WITH ORDINALITY AS a (tenant, n) WHERE ${talkWaitsSql("a.tenant")}) AS talking
     FROM engram.changes_told t`,
    [asked.map(({ tenant }) => tenant), asked.map(({ since }) => since)],
  );
  if (row === undefined) throw new Error("engram.changes_told has no row");
  const tenants = asked.map((_, at) => ({
    changes: (row.changes ?? [])
      .filter(([n]) => n === at + 1)
      .map(([, transaction, ids]) => ({ transaction, ids: ids ?? undefined })),
    talkWaits: row.talking?.includes(at + 1) === true,
  }));
  return { since: row.since, toldFrom: row.told_from, epoch: row.epoch, clock: row.clock, tenants };
}

/** One more than is taken: then it is known that there are too many. */
function changesSql(tenant: string, since: string): string {
  return `SELECT c.xid::text AS xid, c.ids FROM engram.changes c WHERE c.tenant = ${tenant} AND c.xid >= ${since} LIMIT ${CHANGES_MAX + 1}`;
}

interface LookColumnsOfOne extends Record<string, unknown> {
  readonly look_since: string;
  readonly look_told_from: string;
  readonly look_epoch: string;
  readonly look_clock: number;
  readonly look_changes: readonly (readonly [transaction: string, ids: readonly string[] | null])[] | null;
  readonly look_talking: boolean;
}

async function join(
  db: Executor,
  ids: readonly string[],
  filter: MemoryFilter,
  { tenant, since }: ChangesAsked,
): ReturnType<SearchableRows["join"]> {
  const values = new Values();
  const owner = `${values.add(tenant)}::uuid`;
  const rows = await db.query<LookColumnsOfOne & (MemoryRow | { readonly id: null })>(
    `SELECT l.*, m.* FROM (
       SELECT ${MARK} AS look_since, t.told_from::text AS look_told_from, ${EPOCH} AS look_epoch, ${CLOCK} AS look_clock, (
         SELECT json_agg(json_build_array(c.xid, c.ids)) FROM (${changesSql(owner, `${values.add(since)}::xid8`)}) c) AS look_changes, ${talkWaitsSql(owner)} AS look_talking
       FROM engram.changes_told t) l
     LEFT JOIN (SELECT ${TOLD_COLUMNS}, ${INDEX_STATUS} FROM public.memories m
       WHERE m.id = ANY(${values.add(ids)}::uuid[]) AND ${filterSql(filter, values)}) m ON true`,
    values.list,
  );
  const [first] = rows;
  if (first === undefined) throw new Error("engram.changes_told has no row");
  const look = {
    since: first.look_since,
    toldFrom: first.look_told_from,
    epoch: first.look_epoch,
    clock: first.look_clock,
    changes: (first.look_changes ?? []).map(([transaction, told]) => ({ transaction, ids: told ?? undefined })),
    talkWaits: first.look_talking,
  };
  return { memories: rows.flatMap((row) => (row.id === null ? [] : [toMemory(row)])), look };
}

/** Seconds have six decimals. */
const MICROSECONDS = 1e6;

function toRow(row: RowColumns): SearchableRow {
  const [lexemes, counts] = row.words;
  return {
    id: row.id,
    version: row.version,
    level: row.level,
    type: row.type,
    sessionId: row.session_id,
    sessionIds: row.session_ids,
    agentIds: row.agent_ids,
    createdAt: Math.round(Number(row.created_seconds) * MICROSECONDS),
    expiresAt: row.expires_seconds === null ? Infinity : Number(row.expires_seconds) * 1_000,
    lexemes: lexemes ?? [],
    counts: counts ?? [],
  };
}
