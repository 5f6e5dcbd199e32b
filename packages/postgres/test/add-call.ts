import { DEFAULT_PROJECT_ID, uuidv7, type AddDraft, type MessageDraft } from "@engram/memory";

/** What is told of a call of `add` beside its messages. */
export type Given = Partial<Omit<AddDraft, "messages">> & {
  readonly userId?: string;
  readonly sessionId?: string | null;
};

/** Turns of the user, but for what is given. */
export function said(...turns: readonly (string | Partial<MessageDraft>)[]): readonly MessageDraft[] {
  return turns.map((turn) => ({
    id: uuidv7(),
    role: "user",
    name: null,
    content: "",
    saidAt: null,
    ...(typeof turn === "string" ? { content: turn } : turn),
  }));
}

/** A call of `add` of user `u` in session `s`, but for what is given. */
export function addOf(
  messages: readonly MessageDraft[],
  { userId = "u", sessionId = "s", ...given }: Given = {},
): AddDraft {
  return {
    eventId: uuidv7(),
    speaker: { projectId: DEFAULT_PROJECT_ID, userId, agentId: null, sessionId },
    messages,
    metadata: {},
    infer: true,
    wishes: { instructions: null, includes: null, excludes: null },
    expiresAt: null,
    requestId: null,
    ...given,
  };
}
