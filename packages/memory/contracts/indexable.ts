import { uuidv7, type IndexableMemory } from "@engram/memory";

/** A plain fact as the index sees it, but for what is given. */
export function indexable(given: Partial<IndexableMemory> = {}): IndexableMemory {
  const id = given.id ?? uuidv7();
  return {
    id,
    version: 1,
    tenant: "t",
    content: `content of ${id}`,
    level: "user",
    sessionIds: [],
    agentIds: [],
    type: "fact",
    key: null,
    importance: null,
    categories: [],
    occurredAt: new Date("2026-01-01T00:00:00Z"),
    createdAt: new Date("2026-01-01T00:00:00Z"),
    expiresAt: null,
    validTo: null,
    ...given,
  };
}
