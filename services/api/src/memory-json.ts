import { formatMemoryId, type Memory, type MemoryVersion } from "@engram/memory";

/** A memory on the wire: the same shape in every answer. */
export function memoryJson(memory: Memory) {
  return { ...storedJson(memory), index_status: memory.indexStatus };
}

export function versionJson(version: MemoryVersion) {
  return {
    version: version.version,
    event: version.event,
    actor: version.actor,
    request_id: version.requestId,
    at: version.at,
    memory: storedJson(version.memory),
  };
}

/** What stands in the row: the same of a version as of the memory. */
export function storedJson(memory: Omit<Memory, "indexStatus">) {
  return {
    id: formatMemoryId(memory.id),
    user_id: memory.userId,
    agent_id: memory.agentId,
    session_id: memory.sessionId,
    level: memory.level,
    type: memory.type,
    key: memory.key,
    content: memory.content,
    metadata: memory.metadata,
    importance: memory.importance,
    categories: memory.categories,
    occurred_at: memory.occurredAt,
    created_at: memory.createdAt,
    updated_at: memory.updatedAt,
    expires_at: memory.expiresAt,
    valid_from: memory.validFrom,
    valid_to: memory.validTo,
    superseded_by: memory.supersededBy === null ? null : formatMemoryId(memory.supersededBy),
    seen_count: memory.seenCount,
    version: memory.version,
  };
}

/** `warnings` only where there are any. */
export function withWarnings(warnings: readonly string[]): { warnings?: readonly string[] } {
  return warnings.length === 0 ? {} : { warnings };
}
