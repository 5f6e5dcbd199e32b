import type { RetentionCount, RetentionRules } from "@engram/memory";
import { Values, type Executor } from "@engram/sql";

/** Rows of one DELETE, as everywhere: PGlite blocks its process. */
const CHUNK = 500;

/** True of a row `m` that the rules let go: it was told for the last time longer ago than its rule says. */
function pastRetention({ days, daysByType, daysByLevel }: RetentionRules, values: Values): string {
  const rule = (column: string, [name, limit]: readonly [string, number]): string =>
    `WHEN m.${column} = ${values.add(name)}::text THEN ${values.add(limit)}::float8`;
  const rules = [
    ...Object.entries(daysByType).map((one) => rule("type", one)),
    ...Object.entries(daysByLevel).map((one) => rule("level", one)),
  ];
  const rest = `${values.add(days ?? null)}::float8`;
  const limit = rules.length === 0 ? rest : `CASE ${rules.join(" ")} ELSE ${rest} END`;
  return `m.last_seen_at < statement_timestamp() - (${limit}) * interval '1 day'`;
}

/** See `MemoryStore.previewRetention`. */
export async function previewRetention(
  db: Executor,
  projectId: string,
  rules: RetentionRules,
): Promise<readonly RetentionCount[]> {
  const values = new Values();
  return db.query<{ type: string; level: string; memories: number; oldest: Date }>(
    `SELECT m.type, m.level, count(*)::float8 AS memories, min(m.last_seen_at) AS oldest FROM public.memories m
     WHERE m.project_id = ${values.add(projectId)}::uuid AND ${pastRetention(rules, values)} GROUP BY 1, 2 ORDER BY 1, 2`,
    values.list,
  );
}

/** See `MemoryStore.sweepRetention`. Safe from several processes. */
export async function sweepRetention(db: Executor, rules: RetentionRules): Promise<{ deleted: number; more: boolean }> {
  const values = new Values();
  const rows = await db.query(
    `WITH chosen AS MATERIALIZED (
       SELECT m.id FROM public.memories m WHERE ${pastRetention(rules, values)} ORDER BY m.id LIMIT ${CHUNK} FOR UPDATE SKIP LOCKED)
     DELETE FROM public.memories m USING chosen c WHERE m.id = c.id RETURNING 1 AS one`,
    values.list,
  );
  return { deleted: rows.length, more: rows.length === CHUNK };
}

/** See `MemoryStore.sweepSessions`: a session lives as long as anything is told or said in it. */
export async function sweepSessions(db: Executor, idleSeconds: number): Promise<{ deleted: number; more: boolean }> {
  const rows = await db.query(
    `WITH chosen AS MATERIALIZED (
       SELECT m.id FROM public.memories m WHERE m.level = 'session' AND m.last_seen_at < statement_timestamp() - $1::float8 * interval '1 s'
         AND NOT EXISTS (
           SELECT FROM public.memories o WHERE o.level = 'session' AND o.session_id = m.session_id AND o.project_id = m.project_id
             AND o.user_id IS NOT DISTINCT FROM m.user_id AND o.last_seen_at >= statement_timestamp() - $1::float8 * interval '1 s')
         AND NOT EXISTS (
           SELECT FROM engram.messages s WHERE s.project_id = m.project_id AND s.user_id IS NOT DISTINCT FROM m.user_id AND s.session_id = m.session_id
             AND s.created_at >= statement_timestamp() - $1::float8 * interval '1 s')
       ORDER BY m.id LIMIT ${CHUNK} FOR UPDATE SKIP LOCKED)
     DELETE FROM public.memories m USING chosen c WHERE m.id = c.id RETURNING 1 AS one`,
    [idleSeconds],
  );
  return { deleted: rows.length, more: rows.length === CHUNK };
}
