import { isKeyTaken, MemoryError, type Actor, type KeyedWrite, type Memory, type MemoryPatch } from "@engram/memory";
import { codeOf, Values, type Executor } from "@engram/sql";
import { asActor, ACTOR_SET } from "./actor.ts";
import { keepAnswer } from "./kept-answers.ts";
import { INDEX_STATUS_AFTER, MEMORY_COLUMNS, toMemory, type MemoryRow } from "./rows.ts";

/** Changes what the patch names, in one statement; the trigger counts the version. Undefined: absent or expired. */
export async function updateMemory(
  db: Executor,
  projectId: string,
  id: string,
  patch: MemoryPatch,
  actor: Actor,
  keyed?: KeyedWrite,
): Promise<Memory | undefined> {
  const values = new Values();
  const context = asActor(actor, values);
  const changes = ["last_seen_at = last_seen_at", ...changesOf(patch, values)];
  // The request id goes through the setting, which the trigger copies: an UPDATE that sets it would compare as no change.
  try {
    const [row] = await db.query<MemoryRow>(
      `WITH ${context}, changed AS (
         UPDATE public.memories m SET ${changes.join(", ")} FROM actor
         WHERE ${ACTOR_SET} AND m.id = ${values.add(id)}::uuid AND m.project_id = ${values.add(projectId)}::uuid
           AND (m.expires_at IS NULL OR m.expires_at > statement_timestamp())
         RETURNING ${MEMORY_COLUMNS}),
       answer AS (SELECT m.*, ${INDEX_STATUS_AFTER} FROM changed m LEFT JOIN public.memories old ON old.id = m.id)
       ${keyed === undefined ? "" : `, ${keepAnswer(keyed, values, KEPT)}`}
       SELECT * FROM answer`,
      values.list,
    );
    return row === undefined ? undefined : toMemory(row);
  } catch (error) {
    if (isKeyTaken(error)) throw error;
    if (error instanceof MemoryError && error.code === "conflict" && codeOf(error.cause) === "23505")
      throw await twinConflict(db, projectId, id, patch, error);
    throw error;
  }
}

const KEPT =
  "SELECT project_id, user_id, id AS memory_id, json_build_object('memory', to_json(answer)) AS result FROM answer";

function changesOf(patch: MemoryPatch, values: Values): readonly string[] {
  const changes: string[] = [];
  const set = (column: string, value: unknown, type: string): void => {
    if (value !== undefined) changes.push(`${column} = ${values.add(value)}::${type}`);
  };
  set("content", patch.content, "text");
  set("type", patch.type, "text");
  set("key", patch.key, "text");
  set("importance", patch.importance, "real");
  set("categories", patch.categories, "text[]");
  set("occurred_at", patch.occurredAt, "timestamptz");
  set("expires_at", patch.expiresAt, "timestamptz");
  if (patch.metadata !== undefined) {
    const given = `${values.add(JSON.stringify(patch.metadata))}::jsonb`;
    changes.push(`metadata = ${patch.mergeMetadata ? `m.metadata || ${given}` : given}`);
  }
  return changes;
}

/** Which memory already holds the text (or the slot), so that the client can go there. */
export async function twinConflict(
  db: Executor,
  projectId: string,
  id: string,
  patch: MemoryPatch,
  cause: MemoryError,
): Promise<MemoryError> {
  const [twin] = await db.query<{ id: string }>(
    `SELECT o.id FROM public.memories m, public.memories o
     WHERE m.id = $1::uuid AND m.project_id = $2::uuid AND o.id <> m.id AND (
       o.dedupe_key = engram.dedupe_key(m.project_id, m.user_id, m.level, coalesce($3, m.type), m.session_id, m.agent_id, CASE WHEN $5 THEN $4 ELSE m.key END, coalesce($6, m.content))
       OR o.slot_key = engram.slot_key(m.project_id, m.user_id, m.level, coalesce($3, m.type), m.session_id, m.agent_id, CASE WHEN $5 THEN $4 ELSE m.key END))
     LIMIT 1`,
    [id, projectId, patch.type ?? null, patch.key ?? null, patch.key !== undefined, patch.content ?? null],
  );
  const message = "Another memory already holds this text or key";
  return new MemoryError("conflict", message, {
    cause,
    ...(twin === undefined ? {} : { details: [{ message, id: twin.id }] }),
  });
}
