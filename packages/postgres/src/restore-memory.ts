import { MemoryError, type Actor, type Memory } from "@engram/memory";
import { codeOf, Values, type Executor } from "@engram/sql";
import { asActor, ACTOR_SET } from "./actor.ts";
import { getMemory } from "./find-memories.ts";
import { racing } from "./racing.ts";
import { MEMORY_COLUMNS, toMemory, type MemoryRow } from "./rows.ts";
import { twinConflict } from "./update-memory.ts";

/**
 * Undoes a retirement: the memory stands again as if it had never ended, and what took its place (or holds its slot) ends
 * as if it had never begun; restoring that undoes this. A memory that stands is given as it is. Undefined: absent.
 */
export async function restoreMemory(
  db: Executor,
  projectId: string,
  id: string,
  actor: Actor,
): Promise<Memory | undefined> {
  const outcome = await racing(() => restore(db, projectId, id, actor));
  if (outcome instanceof MemoryError) throw outcome;
  return outcome;
}

/** A conflict that no further try would end is given back, not thrown. */
async function restore(
  db: Executor,
  projectId: string,
  id: string,
  actor: Actor,
): Promise<Memory | MemoryError | undefined> {
  const values = new Values();
  const context = asActor(actor, values);
  const own = `${values.add(id)}::uuid`;
  const project = `${values.add(projectId)}::uuid`;
  // The memory comes back only after the other is out: a slot, and a text, has one that stands.
  const statement = `WITH ${context},
    retired AS MATERIALIZED (
      SELECT m.* FROM public.memories m, actor WHERE ${ACTOR_SET} AND m.id = ${own} AND m.project_id = ${project} AND m.valid_to IS NOT NULL
        AND (m.expires_at IS NULL OR m.expires_at > statement_timestamp()) FOR UPDATE OF m),
    ended AS (
      UPDATE public.memories s SET valid_to = s.valid_from, superseded_by = r.id FROM retired r
      WHERE s.project_id = r.project_id AND s.id <> r.id AND s.valid_to IS NULL
        AND (s.id = r.superseded_by OR s.slot_key = engram.slot_key(r.project_id, r.user_id, r.level, r.type, r.session_id, r.agent_id, r.key))
      RETURNING 1),
    n AS MATERIALIZED (SELECT count(*) AS ended FROM ended)
    UPDATE public.memories m SET valid_to = NULL, superseded_by = NULL FROM retired r, n WHERE m.id = r.id AND n.ended >= 0
    RETURNING ${MEMORY_COLUMNS}, 'pending' AS index_status`;
  try {
    const [row] = await db.query<MemoryRow>(statement, values.list);
    return row === undefined ? await getMemory(db, projectId, id) : toMemory(row);
  } catch (error) {
    if (!(error instanceof MemoryError) || error.code !== "conflict" || codeOf(error.cause) !== "23505") throw error;
    const conflict = await twinConflict(db, projectId, id, { mergeMetadata: false }, error);
    // Without a twin it was a race, which is run again.
    if (conflict.details.length === 0) throw error;
    return conflict;
  }
}
