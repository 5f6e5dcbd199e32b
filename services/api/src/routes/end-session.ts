import { formatEventId, inSteps, uuidv7, type AddDraft, type MemoryFilter } from "@engram/memory";
import { z } from "zod";
import { fields, parse } from "../fields.ts";
import { withWarnings } from "../memory-json.ts";
import { defineRoute, param, type RouteContext } from "../route.ts";

/** Memories of one session that are read for what lasts, the newest; more in a session is a log, not memory. */
const PROMOTED_MAX = 500;

const body = z.object({ user_id: fields.user_id, promote: fields.promote.optional() });

export const endSession = defineRoute({
  method: "post",
  path: "/api/sessions/:session_id/end",
  summary: "End a session: its own memories go. With `promote` what should last is taken out of them first (202).",
  body,
  idempotent: true,
  async handle(context) {
    const { deps, req, principal, keyed } = context;
    const { input, warnings } = parse(body, req.body);
    const session = { userId: input.user_id, sessionId: param(req, "session_id") };
    const end = () => (input.promote === true ? promote(context, session) : clear(context, session));
    const { result, replayed } = await deps.once(
      keyed,
      () => inSteps(deps.sockets.answers, keyed, principal.projectId, end),
      (kept) => kept.value as Ended,
    );
    return {
      status: result.event_id === undefined ? 200 : 202,
      replayed,
      body: { ...result, ...withWarnings([...warnings, ...(result.warnings ?? [])]) },
    };
  },
});

interface Session {
  readonly userId: string;
  readonly sessionId: string;
}

interface Ended {
  readonly cleared: number;
  readonly event_id?: string;
  readonly warnings?: readonly string[];
}

function filterOf({ principal }: RouteContext, { userId, sessionId }: Session): MemoryFilter {
  return { scope: { projectId: principal.projectId, userId, sessionId, level: "session", exact: true } };
}

async function clear(context: RouteContext, session: Session): Promise<Ended> {
  const { deps, principal, requestId } = context;
  const filter = { ...filterOf(context, session), includeHidden: true };
  const cleared = await deps.sockets.store.deleteMemories(filter, { requestId, name: principal.name });
  if (cleared > 0) deps.ring(cleared);
  return { cleared };
}

/** The session's memories are handed over as what the user said; they go when that has been read. */
async function promote(context: RouteContext, session: Session): Promise<Ended> {
  const { deps, principal, requestId } = context;
  const { memories, total } = await deps.sockets.store.listMemories({
    filter: filterOf(context, session),
    sort: "-created_at",
    limit: PROMOTED_MAX,
    offset: 0,
  });
  if (memories.length === 0) return clear(context, session);
  const draft: AddDraft = {
    eventId: uuidv7(),
    speaker: { projectId: principal.projectId, userId: session.userId, agentId: null, sessionId: session.sessionId },
    messages: memories.toReversed().map(({ content, occurredAt }) => ({
      id: uuidv7(),
      role: "user",
      name: null,
      content,
      saidAt: occurredAt,
    })),
    metadata: {},
    infer: true,
    wishes: {
      instructions: "These are notes of a session that has ended: keep only what should last beyond it.",
      includes: null,
      excludes: null,
      areNotes: true,
    },
    expiresAt: null,
    endsSession: true,
    requestId,
  };
  const event = await deps.sockets.conversations.add(draft);
  if (event.completedAt !== null) return clear(context, session);
  setTimeout(() => deps.ring(memories.length, "extract"), deps.config.extraction.debounceMs + 5).unref();
  const unread = total - memories.length;
  const warning = `The session has ${total} memories: the oldest ${unread} of them are not read for what should last`;
  return { cleared: 0, event_id: formatEventId(event.id), ...withWarnings(unread > 0 ? [warning] : []) };
}
