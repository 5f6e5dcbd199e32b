import { formatEventId, inSteps, MemoryError, type Answered } from "@engram/memory";
import { z } from "zod";
import { tokenCounter } from "../count-tokens.ts";
import { fields, missing, parse } from "../fields.ts";
import { inTime } from "../in-time.ts";
import { askUpstream, chatOf, deltasOf, tellCall } from "../proxy/ask-upstream.ts";
import { createReplyReader } from "../proxy/read-reply.ts";
import { remember } from "../proxy/remember.ts";
import { withContext, type ChatMessage } from "../proxy/with-context.ts";
import { lastTurns, TURNS_MAX } from "../last-turns.ts";
import { recall, TOKEN_BUDGET_DEFAULT } from "../recall.ts";
import { defineRoute, type RouteContext } from "../route.ts";
import { toMessages } from "../to-messages.ts";
import { toPrompt } from "../to-prompt.ts";
import { idsOf } from "./create-context.ts";

const SYSTEM =
  "You are a helpful assistant. Answer in the language of the user, and use what you know of them where it helps.";

const body = z.object({
  user_id: fields.user_id,
  message: fields.content.optional().meta({ description: "What the user says." }),
  messages: fields.messages.meta({ description: "Instead of `message`: the talk, as OpenAI has it." }).optional(),
  session_id: fields.session_id.optional(),
  agent_id: fields.agent_id.optional(),
  model: fields.model.optional(),
  temperature: fields.temperature.optional(),
  system: fields.system.optional(),
  stream: fields.stream.optional(),
});
type Input = z.output<typeof body>;

interface Talk {
  readonly input: Input;
  readonly said: readonly { role: string; content: string }[];
  readonly context: { text: string; ids: readonly string[] };
  readonly prompt: Record<string, unknown>;
}

export const createChat = defineRoute({
  method: "post",
  path: "/api/chat",
  summary:
    "An answer of the model that knows the user: memory read before, the exchange kept after. 503 without a model.",
  body,
  idempotent: true,
  async handle(context) {
    const { input } = parse(body, context.req.body ?? {});
    chatOf(context.deps);
    const talk = await prepare(context, input);
    if (input.stream === true) {
      await streamed(context, talk);
      return undefined;
    }
    const { result, replayed } = await answered(context, talk, () => undefined);
    return { status: 200, body: result, replayed };
  },
});

async function prepare({ deps, principal, requestId }: RouteContext, input: Input): Promise<Talk> {
  const given = input.message ?? input.messages;
  if (given === undefined) throw missing("message");
  const said = toMessages(given).messages.map(({ role, content }) => ({ role, content }));
  if (said.length === 0) throw missing("message");
  const speaker = speakerOf(principal.projectId, input);
  const query = said.findLast((message) => message.role === "user")?.content;
  const { user_id: userId, session_id: sessionId, agent_id: agentId } = input;
  const [recalled, earlier = []] = await Promise.all([
    inTime(
      deps,
      recall(deps, {
        scope: {
          projectId: principal.projectId,
          userId,
          ...(sessionId === undefined ? {} : { sessionId }),
          ...(agentId === undefined ? {} : { agentId }),
        },
        tokenBudget: TOKEN_BUDGET_DEFAULT,
        ...(query === undefined ? {} : { query }),
      }),
      { part: "recall", requestId },
    ),
    // A client that sends the talk itself needs none of it twice.
    input.session_id === undefined || said.length > 1
      ? []
      : inTime(deps, deps.sockets.conversations.turns(speaker, TURNS_MAX), { part: "earlier turns", requestId }),
  ]);
  const before = lastTurns(earlier, await tokenCounter());
  const messages = withContext(inOrder(input.system, before, toPrompt(given)), recalled?.text ?? "");
  return {
    input,
    said,
    context: { text: recalled?.text ?? "", ids: recalled === undefined ? [] : idsOf(recalled) },
    prompt: {
      model: input.model ?? chatOf(deps).model,
      messages,
      ...(input.temperature === undefined ? {} : { temperature: input.temperature }),
    },
  };
}

/** What the application says first, what was said earlier in the session, and what is said now. */
function inOrder(
  system: string | undefined,
  before: readonly ChatMessage[],
  given: readonly ChatMessage[],
): readonly ChatMessage[] {
  const start = given.findIndex(({ role }) => role !== "system");
  const [lead, talk] = start < 0 ? [given, []] : [given.slice(0, start), given.slice(start)];
  const first = system ?? (lead.length === 0 ? SYSTEM : undefined);
  return [...(first === undefined ? [] : [{ role: "system", content: first }]), ...lead, ...before, ...talk];
}

interface ChatAnswer {
  readonly reply: string;
  readonly memories_used: readonly string[];
  readonly event_id: string | null;
}

/** Once for each Idempotency-Key: a client that asks again gets the first answer and pays for none. */
function answered(context: RouteContext, talk: Talk, onDelta: (delta: string) => void): Promise<Answered<ChatAnswer>> {
  const { deps, keyed, principal } = context;
  const run = async (): Promise<ChatAnswer> => {
    const { reply, eventId } = await asked(context, talk, onDelta);
    return { reply, memories_used: talk.context.ids, event_id: eventId };
  };
  return deps.once<ChatAnswer>(
    keyed,
    () => inSteps(deps.sockets.answers, keyed, principal.projectId, run),
    (kept) => kept.value as ChatAnswer,
  );
}

function speakerOf(projectId: string, { user_id, agent_id, session_id }: Input) {
  return { projectId, userId: user_id, agentId: agent_id ?? null, sessionId: session_id ?? null };
}

/** Asks the model, hands on what comes piece by piece, and keeps the exchange. Throws where there is no answer. */
async function asked(
  { deps, res, principal, requestId }: RouteContext,
  { input, said, prompt }: Talk,
  onDelta: (delta: string) => void,
): Promise<{ reply: string; eventId: string | null }> {
  const chat = chatOf(deps);
  const gone = new AbortController();
  res.once("close", () => gone.abort());
  const isStream = input.stream === true;
  const sent = Buffer.from(JSON.stringify({ ...prompt, ...(isStream ? { stream: true } : {}) }));
  const started = performance.now();
  const told = { model: String(prompt["model"]), projectId: principal.projectId, requestId, started };
  const answer = await askUpstream(
    chat,
    { method: "POST", path: "/chat/completions", body: sent, headers: { "content-type": "application/json" } },
    { ...told, signal: gone.signal },
  );
  const reader = createReplyReader(isStream);
  const body = answer.body.on("data", (chunk: Buffer) => reader.push(chunk));
  let cut: MemoryError | undefined;
  try {
    if (isStream && answer.status === 200) for await (const delta of deltasOf(body)) onDelta(delta);
    else await body.toArray();
  } catch (cause) {
    if (!gone.signal.aborted)
      cut = new MemoryError("unavailable", "The model provider broke off its answer", { cause });
  }
  const reply = reader.end();
  const isCut = cut !== undefined;
  await tellCall(chat, { ...told, status: answer.status, prompt: sent, reply, isCut });
  if (cut !== undefined) throw cut;
  if (answer.status !== 200) throw refused(answer.status);
  const kept = remember(deps, {
    speaker: speakerOf(principal.projectId, input),
    messages: reply.content === "" ? said : [...said, { role: "assistant", content: reply.content }],
    requestId,
  });
  // An event is told of once it is kept. One that takes longer is kept all the same, and the answer names none.
  const eventId = await inTime(deps, kept, { part: "exchange", requestId });
  return { reply: reply.content, eventId: eventId === undefined ? null : formatEventId(eventId) };
}

/** Server-sent events: `{"delta"}` for each piece, at the end `{"done", "reply", "memories_used", "event_id"}` or `{"error"}`. */
async function streamed(context: RouteContext, talk: Talk): Promise<void> {
  const { res } = context;
  const send = (event: object): void => {
    if (!res.headersSent) res.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    if (!res.destroyed) res.write(`data: ${JSON.stringify(event)}\n\n`);
  };
  try {
    const { result, replayed } = await answered(context, talk, (delta) => send({ delta }));
    if (replayed) send({ delta: result.reply });
    send({ done: true, ...result });
  } catch (error) {
    if (!res.headersSent) throw error;
    send({ error: error instanceof MemoryError ? error.message : "Internal error" });
  }
  res.end();
}

/** The provider's own words may quote the talk or a key: they go nowhere. */
function refused(status: number): MemoryError {
  if (status === 429) return new MemoryError("rate_limited", "The model provider asks for patience");
  if (status === 401 || status === 403)
    return new MemoryError("unavailable", "The model provider refuses the key: check OPENAI_API_KEY");
  if (status === 404)
    return new MemoryError(
      "unavailable",
      "The model provider does not know the model or the path: check LLM_MODEL and OPENAI_BASE_URL",
    );
  if (status >= 400 && status < 500)
    return new MemoryError("invalid", `The model provider refuses the request (${status})`);
  return new MemoryError("unavailable", `The model provider has trouble (${status})`);
}
