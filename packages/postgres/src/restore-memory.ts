import { MemoryError, type Actor, type Memory } from "@engram/memory";
import { codeOf, Values, type Executor } from "@engram/sql";
import { asActor, ACTOR_SET } from "./actor.ts";
import { getMemory } from "./find-memories.ts";
import { racing } from "./racing.ts";
import { MEMORY_COLUMNS, toMemory, type MemoryRow } from "./rows.ts";
import { twinConflict } from "./update-memory.ts";

/**
 * Undoes a retirement: the memory stands again as if it had never ended. What followed it, up to what stands in its place
 * (or holds its slot), ends as if it had never begun, and what else that had ended stands again too. Restoring one of
 * those undoes this, and then every day shows what it showed before. A memory that stands is given as it is. Undefined:
 * absent.
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

interface RestoredRow extends MemoryRow {
  /** False: another writer has changed one of the memories meanwhile, which then was left out. */
  readonly is_whole: boolean;
}

/** A conflict that no further try would end is given back, not thrown. */
async function restore(
  db: Executor,
  projectId: string,
  id: string,
  actor: Actor,
): Promise<Memory | MemoryError | undefined> {
  try {
    const [row] = await db.transaction(async (tx) => {
      await tx.query(ONE_AT_A_TIME, [id, projectId]);
      const rows = await turnBack(tx, projectId, id, actor);
      if (rows[0]?.is_whole === false) throw new MemoryError("conflict", "The memory is being changed");
      return rows;
    });
    return row === undefined ? await getMemory(db, projectId, id) : toMemory(row);
  } catch (error) {
    if (!(error instanceof MemoryError) || error.code !== "conflict" || codeOf(error.cause) !== "23505") throw error;
    const conflict = await twinConflict(db, projectId, id, { mergeMetadata: false }, error);
    // Without a twin it was a race, which is run again.
    if (conflict.details.length === 0) throw error;
    return conflict;
  }
}

/** Of one person's: two that turn the same way would wait for each other's memories in a circle. */
const ONE_AT_A_TIME = `SELECT pg_advisory_xact_lock(hashtextextended(concat('engram.restore', m.project_id, m.user_id), 0)) FROM public.memories m
  WHERE m.id = $1::uuid AND m.project_id = $2::uuid`;

const SLOT = "engram.slot_key(m.project_id, m.user_id, m.level, m.type, m.session_id, m.agent_id, m.key)";
const DEDUPE =
  "engram.dedupe_key(m.project_id, m.user_id, m.level, m.type, m.session_id, m.agent_id, m.key, m.content)";
/** Where one memory stands at most. */
const PLACE = `coalesce(${SLOT}, ${DEDUPE})`;
const UNEXPIRED = "(m.expires_at IS NULL OR m.expires_at > statement_timestamp())";

/*
 * `superseded_by` leads from a memory over what followed it to the one that stands; a restore turns that way round. A
 * memory ends where the one that it leads to begins, and has never begun where that is the earlier one. So no end need be
 * kept: turned round once more, the way shows what it showed. What came back beside the memory is found by its history.
 *
 * What stands comes out before anything comes back in: a slot, and a text, has one that stands.
 */
function turnBack(tx: Executor, projectId: string, id: string, actor: Actor): Promise<readonly RestoredRow[]> {
  const values = new Values();
  const context = asActor(actor, values);
  return tx.query<RestoredRow>(
    `WITH RECURSIVE ${context},
wanted AS MATERIALIZED (
  SELECT m.id, m.version, m.project_id, m.valid_from, m.superseded_by, ${SLOT} AS slot_key, ${PLACE} AS place FROM public.memories m, actor
  WHERE ${ACTOR_SET} AND m.id = ${values.add(id)}::uuid AND m.project_id = ${values.add(projectId)}::uuid AND m.valid_to IS NOT NULL AND ${UNEXPIRED}),
way AS (
  SELECT w.id, w.version, w.valid_from, w.superseded_by, NULL::uuid AS before, NULL::timestamptz AS before_from FROM wanted w
  UNION
  SELECT m.id, m.version, m.valid_from, m.superseded_by, y.id, y.valid_from
  FROM wanted w, way y JOIN public.memories m ON m.id = y.superseded_by WHERE m.project_id = w.project_id),
turned AS MATERIALIZED (
  SELECT DISTINCT ON (y.id) y.id, y.version, y.valid_from, y.before AS successor, GREATEST(y.valid_from, y.before_from) AS valid_to
  FROM way y, wanted w WHERE y.id <> w.id
  UNION ALL
  SELECT m.id, m.version, m.valid_from, w.id, GREATEST(m.valid_from, w.valid_from) FROM wanted w JOIN public.memories m ON m.slot_key = w.slot_key
  WHERE m.id NOT IN (SELECT id FROM way)),
back AS MATERIALIZED (
  SELECT DISTINCT ON (coalesce(${PLACE}, m.id)) m.id, m.version
  FROM wanted w, turned t JOIN public.memories m ON m.superseded_by = t.id
  WHERE t.valid_to = t.valid_from AND m.valid_from <= t.valid_from AND m.valid_to IS NOT NULL AND m.project_id = w.project_id AND ${UNEXPIRED}
    AND m.id <> w.id AND ${PLACE} IS DISTINCT FROM w.place AND m.id NOT IN (SELECT id FROM turned)
    AND NOT EXISTS (SELECT FROM public.memories o WHERE (o.dedupe_key = ${DEDUPE} OR o.slot_key = ${SLOT}) AND o.id NOT IN (SELECT id FROM turned))
  ORDER BY coalesce(${PLACE}, m.id), m.valid_from DESC, m.id DESC),
again AS MATERIALIZED (
  SELECT DISTINCT ON (m.id) m.id, m.version, t.id AS successor, t.valid_from AS valid_to
  FROM wanted w, (SELECT id, valid_from FROM turned WHERE valid_to > valid_from UNION ALL SELECT id, valid_from FROM wanted) t
  JOIN engram.history h ON h.event = 'restored' AND h.snapshot ->> 'superseded_by' = t.id::text JOIN public.memories m ON m.id = h.memory_id
  WHERE m.valid_to IS NULL AND m.valid_from <= t.valid_from AND m.project_id = w.project_id AND m.id NOT IN (SELECT id FROM turned)
  ORDER BY m.id, t.valid_from),
ended AS (
  UPDATE public.memories m SET valid_to = e.valid_to, superseded_by = e.successor
  FROM (SELECT id, version, successor, valid_to FROM turned UNION ALL SELECT id, version, successor, valid_to FROM again) e
  WHERE m.id = e.id AND m.version = e.version RETURNING 1),
n AS MATERIALIZED (SELECT count(*) AS ended FROM ended),
restored AS (
  UPDATE public.memories m SET valid_to = NULL, superseded_by = NULL
  FROM (SELECT id, version FROM wanted UNION ALL SELECT id, version FROM back) r, n
  WHERE m.id = r.id AND m.version = r.version AND n.ended >= 0 RETURNING ${MEMORY_COLUMNS})
SELECT m.*, 'pending' AS index_status,
  n.ended = (SELECT count(*) FROM turned) + (SELECT count(*) FROM again) AND (SELECT count(*) FROM restored) = 1 + (SELECT count(*) FROM back) AS is_whole
FROM wanted w CROSS JOIN n LEFT JOIN restored m ON m.id = w.id`,
    values.list,
  );
}
