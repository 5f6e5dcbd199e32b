import { keyTaken, type Actor, type KeyedWrite, type MemoryFilter } from "@engram/memory";
import { filterSql, Values, type Executor } from "@engram/sql";
import { ACTOR_SET, asActor } from "./actor.ts";
import { createKeptAnswers, digest, keepAnswer } from "./kept-answers.ts";

/** Rows of one DELETE: keeps the transition table small, and PGlite (which blocks the process) answering. */
const CHUNK = 500;

/** False: absent, or already expired. */
export async function deleteMemory(
  db: Executor,
  projectId: string,
  id: string,
  actor: Actor,
  keyed?: KeyedWrite,
): Promise<boolean> {
  const values = new Values();
  const rows = await db.query(
    `WITH ${asActor(actor, values)}, gone AS (
       DELETE FROM public.memories m USING actor
       WHERE ${ACTOR_SET} AND m.id = ${values.add(id)}::uuid AND m.project_id = ${values.add(projectId)}::uuid
       RETURNING m.project_id, m.user_id, (m.expires_at IS NULL OR m.expires_at > statement_timestamp()) AS stood)
     ${keyed === undefined ? "" : `, ${keepAnswer(keyed, values, KEPT)}`}
     SELECT stood FROM gone`,
    values.list,
  );
  return rows[0]?.stood === true;
}

const KEPT =
  "SELECT project_id, user_id, NULL::uuid AS memory_id, json_build_object('deleted', 1) AS result FROM gone WHERE stood";

/** Deletes what the filter lets through, in chunks of one commit each; returns how many. A repeat finishes what a crash cut short. */
export async function deleteMemories(
  db: Executor,
  filter: MemoryFilter,
  actor: Actor,
  keyed?: KeyedWrite,
): Promise<number> {
  if (keyed !== undefined) return deleteKeyed(db, filter, actor, keyed);
  let deleted = 0;
  for (;;) {
    const values = new Values();
    const rows = await db.query(
      `WITH ${asActor(actor, values)}, ${deleteChunk(filter, values, "true")} SELECT 1 AS one FROM gone`,
      values.list,
    );
    deleted += rows.length;
    if (rows.length < CHUNK) return deleted;
  }
}

/**
 * Each chunk adds to the count that is kept, in its own commit, and the last one says that it is done; so whoever goes on
 * after a crash, or beside another process, deletes the rest and counts from the beginning. Nothing is deleted once it is
 * done: what was written since is not meant. The row of the key is locked first, which puts runners in a queue.
 */
async function deleteKeyed(db: Executor, filter: MemoryFilter, actor: Actor, keyed: KeyedWrite): Promise<number> {
  await createKeptAnswers(db).begin(keyed, filter.scope.projectId);
  for (;;) {
    const values = new Values();
    const key = digest(keyed.key, values);
    const [row] = await db.query<{ done: boolean; deleted: number }>(
      `WITH ${asActor(actor, values)},
       begun AS MATERIALIZED (SELECT k.key_hash FROM engram.idempotency k WHERE k.key_hash = ${key} AND NOT k.done FOR UPDATE),
       ${deleteChunk(filter, values, "EXISTS (SELECT FROM begun)")},
       chunk AS (SELECT count(*)::int AS deleted FROM gone)
       UPDATE engram.idempotency k SET user_id = ${values.add(filter.scope.userId ?? null)}::text, done = chunk.deleted < ${CHUNK},
         result = json_build_object('deleted', coalesce((k.result->>'deleted')::int, 0) + chunk.deleted)
       FROM chunk, begun WHERE k.key_hash = begun.key_hash
       RETURNING k.done, (k.result->>'deleted')::int AS deleted`,
      values.list,
    );
    if (row === undefined) throw keyTaken(new Error("another process was first to finish"));
    if (row.done) return row.deleted;
  }
}

/** The CTEs that delete one chunk: `gone` has its rows. */
function deleteChunk(filter: MemoryFilter, values: Values, condition: string): string {
  return `chosen AS MATERIALIZED (
      SELECT m.id FROM public.memories m WHERE ${condition} AND ${filterSql(filter, values)} ORDER BY m.id LIMIT ${CHUNK} FOR UPDATE OF m),
    gone AS (DELETE FROM public.memories m USING chosen, actor WHERE m.id = chosen.id AND ${ACTOR_SET} RETURNING 1 AS one)`;
}
