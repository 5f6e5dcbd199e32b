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

/**
 * Every field that a filter may name has an index before the first point: strict mode refuses the others. Only the tenant has a
 * graph: every search names one, and by default Qdrant would build another over each level, type and time, across all tenants,
 * which took four fifths of its processor time for 10,000 points (docs/benchmarks.md).
 */
export const PAYLOAD_INDEXES = {
  tenant: { type: "keyword", is_tenant: true },
  version: withoutGraph("integer"),
  h: withoutGraph("keyword"),
  level: withoutGraph("keyword"),
  session: withoutGraph("keyword"),
  agent: withoutGraph("keyword"),
  type: withoutGraph("keyword"),
  key: withoutGraph("keyword"),
  categories: withoutGraph("keyword"),
  importance: withoutGraph("float"),
  occurred_at: withoutGraph("datetime"),
  created_at: withoutGraph("datetime"),
  expires_at: withoutGraph("datetime"),
  valid_to: withoutGraph("datetime"),
} as const;

function withoutGraph<Type extends string>(type: Type): { readonly type: Type; readonly enable_hnsw: false } {
  return { type, enable_hnsw: false };
}
