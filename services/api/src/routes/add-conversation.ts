import { setTimeout as sleep } from "node:timers/promises";
import { uuidv7, type AddDraft, type AddEvent } from "@engram/memory";
import { z } from "zod";
import { admitWrite } from "../admit-write.ts";
import type { ApiDeps } from "../app.ts";
import { eventJson } from "../event-json.ts";
import { fields, missing, parse } from "../fields.ts";
import { withWarnings } from "../memory-json.ts";
import { defineRoute } from "../route.ts";
import { expiryOf } from "../to-draft.ts";
import { toMessages } from "../to-messages.ts";

const body = z.object({
  user_id: fields.user_id.optional().meta({ description: "Whose talk it is; without one, the agent's own." }),
  messages: fields.messages,
  session_id: fields.session_id.optional(),
  agent_id: fields.agent_id.optional(),
  metadata: fields.metadata.optional(),
  infer: fields.infer.optional(),
  custom_instructions: fields.custom_instructions.optional(),
  includes: fields.includes.optional(),
  excludes: fields.excludes.optional(),
  expires_at: fields.expires_at.optional(),
  ttl_seconds: fields.ttl_seconds.optional(),
  wait: fields.wait.optional(),
});

export const addConversation = defineRoute({
  method: "post",
  path: "/api/memory/add",
  summary: "Remember a conversation. 202: kept, to be extracted; with `wait` 200: what came of it.",
  status: 202,
  body,
  idempotent: true,
  async handle({ deps, req, principal, requestId, keyed }) {
    const { input, warnings } = parse(body, req.body);
    if (input.user_id === undefined && input.agent_id === undefined) throw missing("user_id");
    if (input.messages === undefined) throw missing("messages");
    const { messages, warnings: leftOut } = toMessages(input.messages);
    const own = deps.config.extraction.wishes;
    const draft: AddDraft = {
      eventId: uuidv7(),
      speaker: {
        projectId: principal.projectId,
        userId: input.user_id ?? null,
        agentId: input.agent_id ?? null,
        sessionId: input.session_id ?? null,
      },
      messages,
      metadata: input.metadata ?? {},
      infer: input.infer ?? true,
      wishes: {
        instructions: input.custom_instructions ?? own.instructions,
        includes: input.includes ?? own.includes,
        excludes: input.excludes ?? own.excludes,
      },
      expiresAt: expiryOf(input),
      requestId,
      keyed,
    };
    const { result, replayed } = await deps.once<Added>(
      keyed,
      async () => {
        admitWrite(deps, "single", messages.length);
        const event = await deps.sockets.conversations.add(draft);
        return { eventId: event.id, status: event.status, event };
      },
      (kept) => kept.value as Added,
    );
    ringLater(deps, draft, result.status);
    const seconds = input.wait ?? 0;
    const event = await settled(deps, principal.projectId, result, { seconds, replayed });
    const isDone = event.completedAt !== null;
    return {
      status: isDone && (seconds > 0 || !draft.infer || result.status === "done") ? 200 : 202,
      replayed,
      body: {
        ...(seconds === 0 && !isDone ? { ...eventJson(event), status: "queued" } : eventJson(event)),
        ...withWarnings([...warnings, ...leftOut]),
      },
    };
  },
});

/** As it was at its commit; what is kept for the same Idempotency-Key has no event, and asks for it. */
interface Added {
  readonly eventId: string;
  readonly status: string;
  readonly event?: AddEvent;
}

/** A primary-key look-up each time. */
const LOOK_EVERY_MS = 50;

/** The event as it was made; asked to wait, the event once nothing of it waits any more, or as it stands at the deadline. */
async function settled(
  { sockets }: ApiDeps,
  projectId: string,
  { eventId, event: made }: Added,
  { seconds }: { readonly seconds: number; readonly replayed: boolean },
): Promise<AddEvent> {
  const deadline = Date.now() + seconds * 1000;
  let event = made ?? (await sockets.conversations.getEvent(projectId, eventId));
  while (event !== undefined && event.completedAt === null && Date.now() < deadline) {
    await sleep(LOOK_EVERY_MS);
    event = await sockets.conversations.getEvent(projectId, eventId);
  }
  return (
    event ?? {
      id: eventId,
      status: "queued",
      results: [],
      error: null,
      createdAt: new Date(),
      startedAt: null,
      completedAt: null,
    }
  );
}

/** When the talk is due; workers look by themselves as well. */
function ringLater({ ring, config }: ApiDeps, { infer, messages }: AddDraft, status: string): void {
  if (status === "done") {
    if (!infer) ring(messages.length);
    return;
  }
  setTimeout(() => ring(messages.length, "extract"), config.extraction.debounceMs + 5).unref();
}
