import { EVENT_TYPE, type Memory, type MemoryFilter, type Owner } from "@engram/memory";
import { filterSql, Values, type Executor } from "@engram/sql";
import { INDEX_STATUS, MEMORY_COLUMNS, TOLD_COLUMNS, toMemory, type MemoryRow } from "./rows.ts";

/** By id, whatever its state but expired. */
export async function getMemory(db: Executor, projectId: string, id: string): Promise<Memory | undefined> {
  const [row] = await db.query<MemoryRow>(
    `SELECT ${MEMORY_COLUMNS}, ${INDEX_STATUS} FROM public.memories m
     WHERE m.id = $1::uuid AND m.project_id = $2::uuid AND (m.expires_at IS NULL OR m.expires_at > statement_timestamp())`,
    [id, projectId],
  );
  return row === undefined ? undefined : toMemory(row);
}

/** Live memories picked at random: a scan, for a look at the index before it goes live. */
export async function sampleMemories(db: Executor, limit: number): Promise<readonly Memory[]> {
  const rows = await db.query<MemoryRow>(
    `SELECT ${MEMORY_COLUMNS}, 'indexed' AS index_status FROM public.memories m
     WHERE m.id IN (SELECT id FROM public.memories WHERE valid_to IS NULL AND (expires_at IS NULL OR expires_at > statement_timestamp()) ORDER BY random() LIMIT $1::int)`,
    [limit],
  );
  return rows.map(toMemory);
}

/** The join that decides what exists and who may see it: live rows among `ids` that the filter lets through. */
export async function findMemories(
  db: Executor,
  ids: readonly string[],
  filter: MemoryFilter,
): Promise<readonly Memory[]> {
  const values = new Values();
  const rows = await db.query<MemoryRow>(
    `SELECT ${TOLD_COLUMNS}, ${INDEX_STATUS} FROM public.memories m WHERE m.id = ANY(${values.add(ids)}::uuid[]) AND ${filterSql(filter, values)}`,
    values.list,
  );
  return rows.map(toMemory);
}

/** What an absent importance counts as, between unimportant (0) and most important (1). */
const IMPORTANCE_DEFAULT = 0.5;

/**
 * The session's own first, then by importance and age: one step of importance outweighs ten days, so that a chat opens
 * with what matters and what is fresh.
 */
export async function recentMemories(db: Executor, filter: MemoryFilter, limit: number): Promise<readonly Memory[]> {
  const values = new Values();
  const condition = filterSql(filter, values);
  const { sessionId } = filter.scope;
  const sessionFirst = sessionId === undefined ? "" : `(m.session_ids @> ARRAY[${values.add(sessionId)}::text]) DESC, `;
  const rows = await db.query<MemoryRow>(
    `SELECT ${TOLD_COLUMNS}, ${INDEX_STATUS} FROM public.memories m WHERE ${condition}
     ORDER BY ${sessionFirst}extract(epoch FROM m.created_at) + 8640000 * (coalesce(m.importance, ${IMPORTANCE_DEFAULT}) - ${IMPORTANCE_DEFAULT}) DESC, m.created_at DESC, m.id DESC
     LIMIT ${values.add(limit)}::int`,
    values.list,
  );
  return rows.map(toMemory);
}

/** See `MemoryStore.profileMemories`. */
export async function profileMemories(db: Executor, filter: MemoryFilter, limit: number): Promise<readonly Memory[]> {
  const values = new Values();
  const rows = await db.query<MemoryRow>(
    `SELECT ${MEMORY_COLUMNS}, ${INDEX_STATUS} FROM public.memories m
     WHERE ${filterSql(filter, values)} AND m.type <> ${values.add(EVENT_TYPE)}::text
     ORDER BY coalesce(m.importance, ${IMPORTANCE_DEFAULT}) DESC, m.valid_from DESC, m.id LIMIT ${values.add(limit)}::int`,
    values.list,
  );
  return rows.map(toMemory);
}

/** See `MemoryStore.findOwners`. */
export async function findOwners(db: Executor, filter: MemoryFilter, limit: number): Promise<readonly Owner[]> {
  const values = new Values();
  const rows = await db.query<{ user_id: string | null; agent_id: string | null }>(
    `SELECT m.user_id, CASE WHEN m.user_id IS NULL THEN m.agent_id END AS agent_id
     FROM public.memories m WHERE ${filterSql(filter, values)} GROUP BY 1, 2 ORDER BY max(m.created_at) DESC, 1, 2 LIMIT ${values.add(limit)}::int`,
    values.list,
  );
  return rows.map((row) => ({ userId: row.user_id, agentId: row.agent_id }));
}

/** See `MemoryStore.findIds`. */
export async function findIds(db: Executor, filter: MemoryFilter, limit: number): Promise<readonly string[]> {
  const values = new Values();
  const rows = await db.query<{ id: string }>(
    `SELECT m.id FROM public.memories m WHERE ${filterSql(filter, values)} LIMIT ${values.add(limit)}::int`,
    values.list,
  );
  return rows.map((row) => row.id);
}
