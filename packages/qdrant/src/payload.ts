import type { IndexPoint } from "@engram/memory";

/** What a point carries: enough to narrow a search, nothing to read. Absent instead of null; times in ISO 8601. */
export function toPayload({ memory, hash }: IndexPoint): Record<string, unknown> {
  return {
    tenant: memory.tenant,
    version: memory.version,
    h: hash,
    level: memory.level,
    session: memory.sessionIds,
    agent: memory.agentIds,
    type: memory.type,
    categories: memory.categories,
    occurred_at: memory.occurredAt.toISOString(),
    created_at: memory.createdAt.toISOString(),
    ...(memory.key === null ? {} : { key: memory.key }),
    ...(memory.importance === null ? {} : { importance: memory.importance }),
    ...(memory.expiresAt === null ? {} : { expires_at: memory.expiresAt.toISOString() }),
    ...(memory.validTo === null ? {} : { valid_to: memory.validTo.toISOString() }),
  };
}

/** Every field that a filter may name has an index before the first point: strict mode refuses the others. */
export const PAYLOAD_INDEXES = {
  tenant: { type: "keyword", is_tenant: true },
  version: "integer",
  h: "keyword",
  level: "keyword",
  session: "keyword",
  agent: "keyword",
  type: "keyword",
  key: "keyword",
  categories: "keyword",
  importance: "float",
  occurred_at: "datetime",
  created_at: "datetime",
  expires_at: "datetime",
  valid_to: "datetime",
} as const;
