import type { Actor, MemoryFilter } from "@engram/memory";
import { filterSql, Values, type Executor } from "@engram/sql";
import { ACTOR_SET, asActor } from "./actor.ts";

/** Rows of one DELETE: keeps the transition table small, and PGlite (which blocks the process) answering. */
const CHUNK = 500;

/** False: absent, or already expired. */
export async function deleteMemory(db: Executor, projectId: string, id: string, actor: Actor): Promise<boolean> {
  const values = new Values();
  const rows = await db.query(
    `WITH ${asActor(actor, values)} DELETE FROM public.memories m USING actor
     WHERE ${ACTOR_SET} AND m.id = ${values.add(id)}::uuid AND m.project_id = ${values.add(projectId)}::uuid
     RETURNING (m.expires_at IS NULL OR m.expires_at > statement_timestamp()) AS stood`,
    values.list,
  );
  return rows[0]?.stood === true;
}

/** Deletes what the filter lets through, in chunks of one commit each; returns how many. A repeat finishes what a crash cut short. */
export async function deleteMemories(db: Executor, filter: MemoryFilter, actor: Actor): Promise<number> {
  let deleted = 0;
  for (;;) {
    const values = new Values();
    const context = asActor(actor, values);
    const rows = await db.query(
      `WITH ${context}, chosen AS MATERIALIZED (SELECT m.id FROM public.memories m WHERE ${filterSql(filter, values)} ORDER BY m.id LIMIT ${CHUNK} FOR UPDATE)
       DELETE FROM public.memories m USING chosen, actor WHERE m.id = chosen.id AND ${ACTOR_SET} RETURNING 1 AS one`,
      values.list,
    );
    deleted += rows.length;
    if (rows.length < CHUNK) return deleted;
  }
}
