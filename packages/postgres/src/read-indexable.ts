import { tenantOf, type IndexableMemory } from "@engram/memory";
import type { Executor } from "@engram/sql";

interface IndexableRow extends Record<string, unknown> {
  readonly id: string;
  readonly project_id: string;
  readonly user_id: string | null;
  readonly agent_id: string | null;
  readonly version: number;
  readonly content: string;
  readonly level: string;
  readonly session_ids: string[];
  readonly agent_ids: string[];
  readonly type: string;
  readonly key: string | null;
  readonly importance: number | null;
  readonly categories: string[];
  readonly occurred_at: Date;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly valid_to: Date | null;
}

/** Rows as the index keeps them, in a statement of its own after the claim; retired rows stay, expired ones are absent. */
export async function readIndexable(db: Executor, ids: readonly string[]): Promise<readonly IndexableMemory[]> {
  const rows = await db.query<IndexableRow>(
    `SELECT id, project_id, user_id, agent_id, version, content, level, session_ids, agent_ids, type, key, importance, categories,
       occurred_at, created_at, expires_at, valid_to
     FROM public.memories WHERE id = ANY($1::uuid[]) AND (expires_at IS NULL OR expires_at > statement_timestamp())`,
    [ids],
  );
  return rows.map((row) => ({
    id: row.id,
    version: row.version,
    tenant: tenantOf({ projectId: row.project_id, userId: row.user_id, agentId: row.agent_id }),
    content: row.content,
    level: row.level,
    sessionIds: row.session_ids,
    agentIds: row.agent_ids,
    type: row.type,
    key: row.key,
    importance: row.importance,
    categories: row.categories,
    occurredAt: row.occurred_at,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    validTo: row.valid_to,
  }));
}
