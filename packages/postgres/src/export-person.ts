import { tenantOf, type KeptMemory, type KeptVersion, type Metadata, type Person } from "@engram/memory";
import { Values, type Executor } from "@engram/sql";
import { INDEX_STATUS, MEMORY_COLUMNS, parseMemoryRow, toMemory, type MemoryJson, type MemoryRow } from "./rows.ts";

/** Rows of one page: some megabytes at the most in the ordinary case, read when they are asked for. */
const PAGE = 500;

interface KeptRow extends MemoryRow {
  readonly session_ids: string[];
  readonly agent_ids: string[];
  readonly source_message_ids: string[];
  readonly provenance: Metadata;
  readonly last_seen_at: Date;
  readonly request_id: string | null;
  /** `created_at` as text: a Date would lose its microseconds. */
  readonly position: string;
}

const KEPT_COLUMNS = `${MEMORY_COLUMNS}, m.session_ids, m.agent_ids, m.source_message_ids, m.provenance, m.last_seen_at, m.request_id`;
const ORDER = `ORDER BY m.created_at DESC, m.id LIMIT ${PAGE}`;

/** Every memory of a person, newest first, in the order of the index on users: each page is read without a sort. */
export async function* exportMemories(db: Executor, person: Person): AsyncGenerator<readonly KeptMemory[]> {
  let last: { readonly position: string; readonly id: string } | undefined;
  for (;;) {
    const values = new Values();
    const rows: readonly KeptRow[] = await db.query<KeptRow>(
      `SELECT ${KEPT_COLUMNS}, ${INDEX_STATUS}, m.created_at::text AS position FROM (${pageOf(person, last, values)}) m ${ORDER}`,
      values.list,
    );
    if (rows.length > 0) yield rows.map(toKeptMemory);
    last = rows.at(-1);
    if (rows.length < PAGE) return;
  }
}

/** Beyond the last row: the rest of its instant (a bulk load shares one), then what is older; each a range of the index. */
function pageOf(
  { projectId, userId }: Person,
  last: { readonly position: string; readonly id: string } | undefined,
  values: Values,
): string {
  const ofPerson = `SELECT * FROM public.memories m WHERE m.project_id = ${values.add(projectId)}::uuid AND m.user_id = ${values.add(userId)}::text`;
  if (last === undefined) return `${ofPerson} ${ORDER}`;
  const position = `${values.add(last.position)}::timestamptz`;
  return `(${ofPerson} AND m.created_at = ${position} AND m.id > ${values.add(last.id)}::uuid ${ORDER})
    UNION ALL (${ofPerson} AND m.created_at < ${position} ${ORDER})`;
}

function toKeptMemory(row: KeptRow): KeptMemory {
  return {
    ...toMemory(row),
    sessionIds: row.session_ids,
    agentIds: row.agent_ids,
    sourceMessageIds: row.source_message_ids,
    provenance: row.provenance,
    lastSeenAt: row.last_seen_at,
    requestId: row.request_id,
  };
}

interface KeptVersionRow extends Record<string, unknown> {
  readonly memory_id: string;
  readonly version: number;
  readonly event: KeptVersion["endedBy"];
  readonly actor: string | null;
  readonly request_id: string | null;
  readonly at: Date;
  readonly snapshot: MemoryJson | null;
}

/** Every line of a person's history, found by its tenant, so that those of deleted memories are there too. */
export async function* exportHistory(
  db: Executor,
  { projectId, userId }: Person,
): AsyncGenerator<readonly KeptVersion[]> {
  const tenant = tenantOf({ projectId, userId, agentId: null });
  let last: KeptVersionRow | undefined;
  for (;;) {
    const rows: readonly KeptVersionRow[] = await db.query<KeptVersionRow>(
      `SELECT memory_id, version, event, actor, request_id, at, snapshot FROM engram.history
       WHERE tenant = $1::uuid AND ($2::uuid IS NULL OR (memory_id, version) > ($2::uuid, $3::bigint)) ORDER BY memory_id, version LIMIT ${PAGE}`,
      [tenant, last?.memory_id ?? null, last === undefined ? null : String(last.version)],
    );
    if (rows.length > 0) yield rows.map(toKeptVersion);
    last = rows.at(-1);
    if (rows.length < PAGE) return;
  }
}

function toKeptVersion(row: KeptVersionRow): KeptVersion {
  return {
    memoryId: row.memory_id,
    version: row.version,
    endedBy: row.event,
    actor: row.actor,
    requestId: row.request_id,
    at: row.at,
    memory: row.snapshot === null ? null : toMemory(parseMemoryRow(row.snapshot)),
  };
}
