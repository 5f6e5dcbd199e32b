import type { IndexStatus, Level, Memory, Metadata } from "@engram/memory";

/** The columns of a memory, over the alias `m`. */
export const MEMORY_COLUMNS = `m.id, m.project_id, m.user_id, m.agent_id, m.session_id, m.level, m.type, m.key, m.content, m.metadata, m.importance,
  m.categories, m.occurred_at, m.created_at, m.updated_at, m.expires_at, m.valid_from, m.valid_to, m.superseded_by, m.seen_count, m.version`;

export const INDEX_STATUS = "engram.index_status(m.id) AS index_status";

export interface MemoryRow extends Record<string, unknown> {
  readonly id: string;
  readonly project_id: string;
  readonly user_id: string | null;
  readonly agent_id: string | null;
  readonly session_id: string | null;
  readonly level: Level;
  readonly type: string;
  readonly key: string | null;
  readonly content: string;
  readonly metadata: Metadata;
  readonly importance: number | null;
  readonly categories: string[];
  readonly occurred_at: Date;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly expires_at: Date | null;
  readonly valid_from: Date;
  readonly valid_to: Date | null;
  readonly superseded_by: string | null;
  readonly seen_count: number;
  readonly version: number;
  readonly index_status?: IndexStatus;
}

export function toMemory(row: MemoryRow): Memory {
  return {
    id: row.id,
    projectId: row.project_id,
    userId: row.user_id,
    agentId: row.agent_id,
    sessionId: row.session_id,
    level: row.level,
    type: row.type,
    key: row.key,
    content: row.content,
    metadata: row.metadata,
    importance: row.importance === null ? null : roundReal(row.importance),
    categories: row.categories,
    occurredAt: row.occurred_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    expiresAt: row.expires_at,
    validFrom: row.valid_from,
    validTo: row.valid_to,
    supersededBy: row.superseded_by,
    seenCount: row.seen_count,
    version: row.version,
    indexStatus: row.index_status ?? "pending",
  };
}

/** A `real` has seven digits: 0.8 must come back as 0.8. */
function roundReal(value: number): number {
  return Number(value.toPrecision(7));
}
