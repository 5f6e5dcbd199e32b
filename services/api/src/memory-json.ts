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
    occurred_at: timeJson(memory.occurredAt),
    created_at: timeJson(memory.createdAt),
    updated_at: timeJson(memory.updatedAt),
    expires_at: timeJson(memory.expiresAt),
    valid_from: timeJson(memory.validFrom),
    valid_to: timeJson(memory.validTo),
    superseded_by: memory.supersededBy === null ? null : formatMemoryId(memory.supersededBy),
    seen_count: memory.seenCount,
    version: memory.version,
  };
}

/** The last time that was written: most memories have one time in four places. */
let written = { time: Number.NaN, text: "" };

/** What JSON makes of a time, ready made, since JSON takes several times as long to call for it. A time without an end is null. */
function timeJson(date: Date | null): string | null {
  const time = date?.valueOf() ?? Number.NaN;
  if (date === null || !Number.isFinite(time)) return null;
  if (time !== written.time) written = { time, text: date.toISOString() };
  return written.text;
}

/** `warnings` only where there are any. */
export function withWarnings(warnings: readonly string[]): { warnings?: readonly string[] } {
  return warnings.length === 0 ? {} : { warnings };
}
