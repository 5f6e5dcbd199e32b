import { TRUSTS, type IndexStatus, type Level, type Memory, type Metadata } from "@engram/memory";

/** The columns of a memory, over the alias `m`. */
export const MEMORY_COLUMNS = `m.id, m.project_id, m.user_id, m.agent_id, m.session_id, m.level, m.type, m.key, m.content, m.metadata, m.importance,
  m.categories, m.occurred_at, m.created_at, m.updated_at, m.expires_at, m.valid_from, m.valid_to, m.superseded_by, m.seen_count, m.version`;

/** The same and whose word it is, for what reads memories as what is known. */
export const TOLD_COLUMNS = `${MEMORY_COLUMNS}, m.provenance ->> 'trust' AS trust`;

export const INDEX_STATUS = "engram.index_status(m.id) AS index_status";

/**
 * The index status of a row `m` that the statement itself has written, beside the row `old` that stood before (NULL where
 * none did): the trigger's work row comes after RETURNING, but the version tells whether there will be one.
 */
export const INDEX_STATUS_AFTER =
  "CASE WHEN old.version = m.version THEN engram.index_status(m.id) ELSE 'pending' END AS index_status";

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
  readonly trust?: string | null;
}

/** A row as `to_json` writes it: its times are strings. */
export type MemoryJson = { readonly [column in keyof MemoryRow]: unknown };

const TIMES = ["occurred_at", "created_at", "updated_at", "expires_at", "valid_from", "valid_to"] as const;

export function parseMemoryRow(json: MemoryJson): MemoryRow {
  const times = TIMES.map((column) => {
    const text: unknown = json[column];
    return [column, typeof text === "string" ? parseTimestamp(text) : null] as const;
  });
  return { ...json, ...Object.fromEntries(times) } as unknown as MemoryRow;
}

/** The offsets of old have seconds (Moscow before 1919: +02:30:17), which JavaScript does not read. */
function parseTimestamp(text: string): Date {
  const [, time = text, sign = "+", seconds = "0"] = /^(.+([+-])\d\d:\d\d):(\d\d)$/.exec(text) ?? [];
  return new Date(new Date(time).getTime() - Number(`${sign}${seconds}000`));
}

export function toMemory(row: MemoryRow): Memory {
  const trust = TRUSTS.find((one) => one === row.trust);
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
    ...(trust === undefined ? {} : { trust }),
  };
}

/** A `real` has seven digits: 0.8 must come back as 0.8. */
function roundReal(value: number): number {
  return Number(value.toPrecision(7));
}
