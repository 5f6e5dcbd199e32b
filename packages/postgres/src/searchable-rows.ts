import {
  CHANGES_MAX,
  tenantOf,
  type ChangesAsked,
  type ChangesPoll,
  type IndexStatus,
  type Mark,
  type MemoryFilter,
  type RowsOwner,
  type RowVersion,
  type SearchableRow,
  type SearchableRows,
  type Standing,
} from "@engram/memory";
import { filterSql, Values, type Executor } from "@engram/sql";
import { CONTENTS, readContents } from "./row-contents.ts";
import { INDEX_STATUS, TOLD_COLUMNS, toMemory, type MemoryRow } from "./rows.ts";

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
  readonly contents: string | null;
}

const ROW = `m.id, m.version, m.level, m.type, m.session_id, m.session_ids, m.agent_ids, date_part('epoch', m.created_at) AS created_seconds,
  date_part('epoch', m.expires_at) AS expires_seconds,
  (SELECT json_build_array(json_agg(w.lexeme), json_agg(coalesce(cardinality(w.positions), 1))) FROM unnest(m.search) w) AS words,
  ${CONTENTS} AS contents`;
const LIVE = "m.valid_to IS NULL AND (m.expires_at IS NULL OR m.expires_at > statement_timestamp())";
const OWN = "m.project_id = $1::uuid AND m.user_id = $2::text";

/** The rows of one user as a search's memory holds them, and the changes that it follows (migrations 0050 to 0052). */
export function createSearchableRows(db: Executor): SearchableRows {
  return {
    list: (owner, limit) => list(db, owner, limit),
    read: (owner, ids) => read(db, owner, ids),
    poll: (asked) => poll(db, asked),
    join: (ids, filter, asked) => join(db, ids, filter, asked),
    toMemory: readContents,
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
    `SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS since, engram.epoch() AS epoch,
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

/** What `engram.poll_changes` gives. */
interface PollJson extends Mark {
  readonly tenants: readonly { readonly talkWaits: boolean; readonly changes: readonly ChangeJson[] | null }[] | null;
}

interface ChangeJson {
  readonly transaction: string;
  readonly ids: readonly string[] | null;
}

function pollSql(asked: readonly ChangesAsked[], values: Values): string {
  const tenants = values.add(asked.map(({ tenant }) => tenant));
  const sinces = values.add(asked.map(({ since }) => since));
  return `engram.poll_changes(${tenants}::uuid[], ${sinces}::text[]::xid8[], ${values.add(CHANGES_MAX)}::int)::text`;
}

function toPoll(
  text: string | null | undefined,
  standing: readonly (readonly (Standing | undefined)[])[],
): ChangesPoll {
  if (text === null || text === undefined) throw new Error("engram.changes_told has no row");
  const { tenants, ...mark } = JSON.parse(text) as PollJson;
  return {
    ...mark,
    tenants: (tenants ?? []).map(({ changes, talkWaits }, at) => ({
      talkWaits,
      changes: (changes ?? []).map(({ transaction, ids }) => ({ transaction, ids: ids ?? undefined })),
      standing: standing[at] ?? [],
    })),
  };
}

/** What `engram.rows_standing` gives. */
type StandingJson = readonly (readonly [place: number, seenCount: number | null, indexStatus: IndexStatus])[];

/** As a memory stands that nothing is told of. */
const AS_READ: Standing = { seenCount: 1, indexStatus: "indexed" };

/** One statement for all that ask, whatever they ask. */
async function poll(db: Executor, asked: readonly ChangesAsked[]): Promise<ChangesPoll> {
  const values = new Values();
  const changes = pollSql(asked, values);
  const rows = asked.flatMap((one) => one.rows ?? []);
  const list = (column: keyof RowVersion) => rows.map((one) => one[column]);
  // Of what needs no quotes the text of the array: a driver looks for them in each.
  const plain = (column: Exclude<keyof RowVersion, "userId">) => values.add(`{${list(column).join()}}`);
  const asRead = `${plain("id")}::uuid[], ${plain("version")}::bigint[], ${plain("projectId")}::uuid[], ${values.add(list("userId"))}::text[]`;
  const [row] = await db.query<{ poll: string | null; standing: string | null }>(
    `SELECT ${changes} AS poll, engram.rows_standing(${asRead})::text AS standing`,
    values.list,
  );
  const told = new Map(
    (JSON.parse(row?.standing ?? "[]") as StandingJson).map(([place, seenCount, indexStatus]) => [
      place,
      seenCount === null ? undefined : { seenCount, indexStatus },
    ]),
  );
  let place = 0;
  const standing = asked.map((one) =>
    (one.rows ?? []).map(() => {
      place += 1;
      return told.has(place) ? told.get(place) : AS_READ;
    }),
  );
  return toPoll(row?.poll, standing);
}

/** The poll is made once, not for each of the rows: OFFSET keeps it apart. */
async function join(
  db: Executor,
  ids: readonly string[],
  filter: MemoryFilter,
  asked: ChangesAsked,
): ReturnType<SearchableRows["join"]> {
  const values = new Values();
  const rows = await db.query<{ poll: string | null } & (MemoryRow | { readonly id: null })>(
    `SELECT p.poll, m.* FROM (SELECT ${pollSql([asked], values)} AS poll OFFSET 0) p
     LEFT JOIN (SELECT ${TOLD_COLUMNS}, ${INDEX_STATUS} FROM public.memories m
       WHERE m.id = ANY(${values.add(ids)}::uuid[]) AND ${filterSql(filter, values)}) m ON true`,
    values.list,
  );
  const { tenants, ...mark } = toPoll(rows[0]?.poll, []);
  const [ofOne] = tenants;
  if (ofOne === undefined) throw new Error("engram.poll_changes told nothing of who was asked about");
  return { memories: rows.flatMap((row) => (row.id === null ? [] : [toMemory(row)])), poll: { ...mark, ...ofOne } };
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
    contents: row.contents ?? undefined,
  };
}
