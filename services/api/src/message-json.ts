import { formatMessageId, type Message } from "@engram/memory";

/** A message that waits for its extraction, in the shape of a memory: whoever reads answers needs to know one shape. */
export function messageJson(message: Message) {
  return {
    id: formatMessageId(message.id),
    user_id: message.userId,
    agent_id: message.agentId,
    session_id: message.sessionId,
    level: "user",
    type: "message",
    key: null,
    content: message.content,
    metadata: { role: message.role, ...(message.name === null ? {} : { name: message.name }) },
    importance: null,
    categories: [],
    occurred_at: message.saidAt,
    created_at: message.createdAt,
    updated_at: message.createdAt,
    expires_at: null,
    valid_from: message.saidAt,
    valid_to: null,
    superseded_by: null,
    seen_count: 1,
    version: 0,
    index_status: "pending",
  };
}
