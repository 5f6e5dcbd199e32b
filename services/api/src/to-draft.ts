import { MemoryError, normalizeContent, uuidv7, type MemoryDraft, type Metadata } from "@engram/memory";
import { z } from "zod";
import { fields, missing } from "./fields.ts";
import { parseTime } from "./time-fields.ts";

/** The body of a new memory. */
export const newMemory = z.object({
  user_id: fields.user_id.optional().meta({ description: "Whose memory it is; optional only for level `agent`." }),
  content: fields.content,
  type: fields.type.optional(),
  level: fields.level.optional(),
  key: fields.key.optional(),
  session_id: fields.session_id.optional(),
  agent_id: fields.agent_id.optional(),
  metadata: fields.metadata.optional(),
  importance: fields.importance.optional(),
  categories: fields.categories.optional(),
  occurred_at: fields.occurred_at.optional(),
  expires_at: fields.expires_at.optional(),
  ttl_seconds: fields.ttl_seconds.optional(),
});

/** What a body asks to be remembered, checked as a whole. Throws `invalid` or `too_large`, naming the field. */
export function toDraft(
  input: z.output<typeof newMemory>,
  { projectId, requestId }: { projectId: string; requestId: string },
): MemoryDraft {
  const level = input.level ?? "user";
  if (input.user_id === undefined && level !== "agent") throw missing("user_id");
  if (level === "session" && input.session_id === undefined) throw missing("session_id");
  if (level === "agent" && input.agent_id === undefined) throw missing("agent_id");
  return {
    id: uuidv7(),
    projectId,
    userId: input.user_id ?? null,
    agentId: input.agent_id ?? null,
    sessionId: input.session_id ?? null,
    level,
    type: input.type ?? "fact",
    key: input.key ?? null,
    content: normalizeContent(input.content),
    metadata: input.metadata ?? {},
    importance: input.importance ?? null,
    categories: input.categories ?? [],
    occurredAt: input.occurred_at ?? timestampOf(input.metadata),
    expiresAt: expiryOf(input),
    requestId,
  };
}

/** The guide's workflows say when in `metadata.timestamp`. */
function timestampOf(metadata: Metadata | undefined): Date | null {
  const timestamp = metadata?.["timestamp"];
  return typeof timestamp === "string" ? (parseTime(timestamp) ?? null) : null;
}

export function expiryOf(input: { expires_at?: Date | undefined; ttl_seconds?: number | undefined }): Date | null {
  if (input.ttl_seconds !== undefined) return new Date(Date.now() + input.ttl_seconds * 1000);
  if (input.expires_at === undefined) return null;
  if (input.expires_at.getTime() <= Date.now()) {
    const message = "expires_at: must lie in the future";
    throw new MemoryError("invalid", message, { details: [{ field: "expires_at", message }] });
  }
  return input.expires_at;
}
