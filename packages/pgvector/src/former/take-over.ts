import {
  collectionName,
  contentHash,
  DEFAULT_PROJECT_ID,
  MemoryError,
  tenantOf,
  type CollectionRef,
} from "@engram/memory";
import { codeOf, type Executor } from "@engram/sql";
import { prepareTable } from "../prepare-table.ts";
import { roleOf } from "../tables.ts";
import { upsertText } from "../write-points.ts";
import { findFormerTables, type FormerTable } from "./find-tables.ts";
import { foldTold, type FoldedTold } from "./fold.ts";
import { readFormerRow, type FormerRow, type Unfit } from "./read-row.ts";

export interface TakeOverOptions {
  /** The configured name, of the tables and of the collections. */
  readonly name: string;
  /**
   * The model that the former rows are declared to be embedded with, where it is the configured one; `dims` where more than
   * the model decides them. Absent: everything is embedded anew.
   */
  readonly declared?: { readonly model: string; readonly dims?: number };
}

/** What became of the rows of one table. */
export interface TakeOverReport {
  readonly table: string;
  /** Rows that are memories now; of those that said the same, one memory. */
  readonly rows: number;
  readonly memories: number;
  /** Of them with the vectors that they had. */
  readonly vectors: number;
  /** Rows that stay where they are, by why. */
  readonly left: Partial<Record<Unfit, number>>;
}

/** Rows of one transaction: an embedded vector travels as 15 kB of text. */
const CHUNK = 200;

/**
 * Makes memories of the rows that a former mem0 left, chunk by chunk: each is gone there in the commit in which it is a
 * memory here, so that a crash or a second run repeats nothing. What cannot be one stays and is counted. Throws `unavailable`
 * with the cure where the role may not.
 */
export async function takeOverFormer(db: Executor, options: TakeOverOptions): Promise<readonly TakeOverReport[]> {
  const reports: TakeOverReport[] = [];
  for (const table of await findFormerTables(db, options.name)) {
    try {
      if (table.isHidden) throw new MemoryError("unavailable", "row-level security hides its rows");
      const report = await takeTable(db, table, options);
      if (report.rows > 0 || Object.keys(report.left).length > 0) reports.push(report);
    } catch (error) {
      throw await explain(db, table, error);
    }
  }
  return reports;
}

async function takeTable(db: Executor, table: FormerTable, options: TakeOverOptions): Promise<TakeOverReport> {
  const [some] = await db.query(`SELECT 1 AS one FROM ${table.relation} f WHERE ${table.condition} LIMIT 1`);
  const report = {
    table: table.relation,
    rows: 0,
    memories: 0,
    vectors: 0,
    left: {} as Partial<Record<Unfit, number>>,
  };
  if (some === undefined) return report;
  const collection = await collectionFor(db, table, options);
  for (let after: string | undefined; ;) {
    const chunk = await db.transaction((tx) =>
      takeChunk(tx, table, { collection, ...(after === undefined ? {} : { after }) }),
    );
    report.rows += chunk.rows;
    report.memories += chunk.memories;
    report.vectors += chunk.vectors;
    for (const reason of chunk.unfit) report.left[reason] = (report.left[reason] ?? 0) + 1;
    if (chunk.last === undefined) return report;
    after = chunk.last;
  }
}

/** The collection that may keep the vectors; made, or found, before the first row. */
async function collectionFor(
  db: Executor,
  { dims }: FormerTable,
  { name, declared }: TakeOverOptions,
): Promise<CollectionRef | undefined> {
  if (declared === undefined || dims !== (declared.dims ?? dims)) return undefined;
  const collection = { name: collectionName(name, declared.model, dims), model: declared.model, dims };
  await prepareTable(db, collection, { name });
  return collection;
}

async function takeChunk(
  tx: Executor,
  table: FormerTable,
  { collection, after }: { readonly collection: CollectionRef | undefined; readonly after?: string },
): Promise<{ rows: number; memories: number; vectors: number; unfit: readonly Unfit[]; last: string | undefined }> {
  const { relation, columns, condition, idType, vectorColumn } = table;
  const vector = collection === undefined ? "" : `, f.${vectorColumn}::text AS embedding`;
  const found = await tx.query<FormerRow & Record<string, unknown>>(
    `SELECT ${columns}${vector} FROM ${relation} f WHERE ${condition} AND ($1::${idType} IS NULL OR f.id > $1::${idType})
     ORDER BY f.id LIMIT ${CHUNK} FOR UPDATE OF f SKIP LOCKED`,
    [after ?? null],
  );
  const unfit: Unfit[] = [];
  const fit = found.flatMap((row) => {
    const told = readFormerRow(relation, row);
    if (typeof told !== "string") return [{ row, told }];
    unfit.push(told);
    return [];
  });
  const folded = foldTold(fit);
  const put = await putFolded(tx, folded);
  await tx.query(`DELETE FROM ${relation} WHERE id = ANY($1::${idType}[])`, [fit.map(({ row }) => row.id)]);
  const vectors = collection === undefined ? 0 : await keepVectors(tx, collection, folded, put);
  return { rows: fit.length, memories: put.length, vectors, unfit, last: found.at(-1)?.id };
}

interface PutRow extends Record<string, unknown> {
  readonly ord: number;
  readonly id: string;
  readonly version: number;
}

// The id of the row where it is free, so that whoever keeps ids elsewhere finds them again. last_seen_at stays now: what has
// just come is not what retention means. Metadata of the memory that stands wins.
const PUT = `WITH input AS MATERIALIZED (
  SELECT i.*, engram.dedupe_key('${DEFAULT_PROJECT_ID}', i.user_id, i.level, 'fact', NULL, i.agent_id, NULL, i.content) AS dedupe_key,
    CASE WHEN NOT EXISTS (SELECT FROM public.memories o WHERE o.id = i.id) THEN i.id
         WHEN NOT EXISTS (SELECT FROM public.memories o WHERE o.id = i.other_id) THEN i.other_id ELSE gen_random_uuid() END AS free_id
  FROM json_to_recordset($1::json) AS i(ord int, id uuid, other_id uuid, user_id text, agent_id text, agent_ids text[], session_id text,
    session_ids text[], level text, content text, metadata jsonb, created_at timestamptz, updated_at timestamptz, expires_at timestamptz, seen_count int)
), put AS (
  INSERT INTO public.memories AS m (id, user_id, agent_id, agent_ids, session_id, session_ids, level, content, metadata, occurred_at, created_at,
    updated_at, valid_from, expires_at, seen_count, provenance)
  SELECT i.free_id, i.user_id, i.agent_id, i.agent_ids, i.session_id, i.session_ids, i.level, i.content, i.metadata, coalesce(i.created_at, now()),
    coalesce(i.created_at, now()), coalesce(i.updated_at, now()), coalesce(i.created_at, now()), i.expires_at, i.seen_count, '{"imported_from": "mem0"}'
  FROM input i ORDER BY i.dedupe_key
  ON CONFLICT (dedupe_key) DO UPDATE SET seen_count = m.seen_count + excluded.seen_count, metadata = excluded.metadata || m.metadata,
    agent_ids = engram.union_in_order(m.agent_ids, excluded.agent_ids), session_ids = engram.union_in_order(m.session_ids, excluded.session_ids),
    expires_at = CASE WHEN m.expires_at IS NULL OR excluded.expires_at IS NULL THEN NULL ELSE GREATEST(m.expires_at, excluded.expires_at) END
  RETURNING m.id, m.version, m.dedupe_key
)
SELECT i.ord, p.id, p.version FROM input i JOIN put p ON p.dedupe_key = i.dedupe_key`;

async function putFolded(tx: Executor, folded: readonly FoldedTold[]): Promise<readonly PutRow[]> {
  if (folded.length === 0) return [];
  const input = folded.map(({ told, agentIds, sessionIds, level, seenCount }, ord) => ({
    ord,
    id: told.id,
    other_id: told.otherId,
    user_id: told.userId,
    agent_id: told.agentId,
    agent_ids: agentIds,
    session_id: told.sessionId,
    session_ids: sessionIds,
    level,
    content: told.content,
    metadata: told.metadata,
    created_at: told.createdAt,
    updated_at: told.updatedAt,
    expires_at: told.expiresAt,
    seen_count: seenCount,
  }));
  return tx.query<PutRow>(PUT, [JSON.stringify(input)]);
}

/** As if they had just been embedded: the work that the new rows ask for finds them as they should be. */
async function keepVectors(
  tx: Executor,
  collection: CollectionRef,
  folded: readonly FoldedTold[],
  put: readonly PutRow[],
): Promise<number> {
  const points = put.flatMap(({ ord, id, version }) => {
    const one = folded[ord];
    if (one === undefined || one.embedding === null) return [];
    const tenant = tenantOf({ projectId: DEFAULT_PROJECT_ID, userId: one.told.userId, agentId: one.told.agentId });
    return [{ id, version, tenant, fingerprint: contentHash(one.told.content), embedding: one.embedding }];
  });
  return (await upsertText(tx, collection, points)).length;
}

async function explain(db: Executor, { relation, isOwned }: FormerTable, error: unknown): Promise<unknown> {
  const cause = error instanceof MemoryError && error.cause instanceof Error ? error.cause : error;
  const isHidden = error instanceof MemoryError && error.message.startsWith("row-level security");
  if (codeOf(cause) !== "42501" && !isHidden) return error;
  const detail = cause instanceof Error ? cause.message : "";
  const cure = isHidden && isOwned ? "NO FORCE ROW LEVEL SECURITY" : `OWNER TO ${await roleOf(db)}`;
  return new MemoryError(
    "unavailable",
    `The rows of a former mem0 in ${relation} cannot be taken over: ${detail}. As its owner run: ALTER TABLE ${relation} ${cure};`,
    { cause: error },
  );
}
