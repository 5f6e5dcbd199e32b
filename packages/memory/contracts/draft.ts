import { DEFAULT_PROJECT_ID, uuidv7, type MemoryDraft } from "@engram/memory";

/** A plain fact of user `u`, but for what is given. */
export function draft(given: Partial<MemoryDraft> = {}): MemoryDraft {
  return {
    id: uuidv7(),
    projectId: DEFAULT_PROJECT_ID,
    userId: "u",
    agentId: null,
    sessionId: null,
    level: "user",
    type: "fact",
    key: null,
    content: "Пользователь живёт в Казани",
    metadata: {},
    importance: null,
    categories: [],
    occurredAt: null,
    expiresAt: null,
    requestId: null,
    ...given,
  };
}
