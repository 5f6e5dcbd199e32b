import { once } from "node:events";
import { pipeline } from "node:stream/promises";
import { storableContent } from "@engram/memory";
import type { OpenChat } from "@engram/sockets";
import type { Request, RequestHandler, Response } from "express";
import type { ApiDeps } from "../app.ts";
import { principalOf, upstreamAuthorization } from "../auth.ts";
import { inTime } from "../in-time.ts";
import { recall, TOKEN_BUDGET_DEFAULT } from "../recall.ts";
import { requestIdOf } from "../request-id.ts";
import { askUpstream, chatOf, tellCall } from "./ask-upstream.ts";
import { editBody } from "./edit-body.ts";
import { createReplyReader, type Reply } from "./read-reply.ts";
import { remember } from "./remember.ts";
import { whoAsks, type ChatBody, type Who } from "./who.ts";
import { lastQuestion, messagesOf, newTurns } from "./with-context.ts";

/** What means something to the provider; the rest is between the client and us. */
const HEADERS_PASSED = ["accept", "content-type", "openai-beta", "openai-organization", "openai-project"];
/** Of the answer: what belongs to the connection, and our own. */
const HEADERS_KEPT_BACK = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "x-request-id",
  "x-powered-by",
  "date",
]);

/**
 * `POST /v1/chat/completions`: the provider's, with what is known of the user put before the talk and the exchange kept
 * after it. Every parameter and every byte of the answer passes as it is. Nobody's talk, and all talk while memory is
 * switched off or its database is away, passes untouched.
 */
export function chatCompletions(deps: ApiDeps): RequestHandler {
  return async (req, res) => {
    const chat = chatOf(deps);
    const raw = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
    const body = parseBody(raw);
    const who = body === undefined ? undefined : whoAsks(body, (name) => req.get(name));
    const remembers = who !== undefined && deps.config.enabled && deps.readiness.migrated;
    const sent = await prepare(deps, { req, res, raw, body, who, remembers });
    await passOn(deps, chat, { req, res, sent, body, who: remembers ? who : undefined });
  };
}

/** `GET /v1/models`: the provider's own. */
export function listModels(deps: ApiDeps): RequestHandler {
  return async (req, res) => {
    const answer = await chatOf(deps).upstream.send(
      { method: "GET", path: "/models", headers: headersOf(req), ...upstreamAuthorization(req, deps.keys) },
      abortedWith(res),
    );
    copyHead(answer, res);
    await pipeline(answer.body, res);
  };
}

function parseBody(raw: Buffer): ChatBody | undefined {
  try {
    const body: unknown = JSON.parse(raw.toString("utf8"));
    return typeof body === "object" && body !== null && !Array.isArray(body) ? (body as ChatBody) : undefined;
  } catch {
    return undefined; // the provider says what is wrong with it, in its own words
  }
}

interface Asked {
  readonly req: Request;
  readonly res: Response;
  readonly raw: Buffer;
  readonly body: ChatBody | undefined;
  readonly who: Who | undefined;
  readonly remembers: boolean;
}

/** The body as it is sent on: as it came, but for what is to be changed. */
async function prepare(deps: ApiDeps, { res, raw, body, who, remembers }: Asked): Promise<Buffer> {
  if (body === undefined || who === undefined) return raw;
  const messages = messagesOf(body);
  const query = lastQuestion(messages);
  const context = !remembers || messages.length === 0 ? "" : await recallFor(deps, res, who, query);
  if (who.model === undefined && context === "") return raw;
  return Buffer.from(editBody(raw.toString("utf8"), { model: who.model, context }));
}

async function recallFor(deps: ApiDeps, res: Response, who: Who, query: string | undefined): Promise<string> {
  const { projectId } = principalOf(res);
  const scope = { projectId, userId: who.userId, ...(who.sessionId === null ? {} : { sessionId: who.sessionId }) };
  const recalled = recall(deps, {
    scope,
    tokenBudget: TOKEN_BUDGET_DEFAULT,
    ...(query === undefined ? {} : { query }),
  });
  return (await inTime(deps, recalled, { part: "recall", requestId: requestIdOf(res) }))?.text ?? "";
}

interface Passed {
  readonly req: Request;
  readonly res: Response;
  readonly sent: Buffer;
  readonly body: ChatBody | undefined;
  /** Undefined: nothing is kept of it. */
  readonly who: Who | undefined;
}

async function passOn(deps: ApiDeps, chat: OpenChat, { req, res, sent, body, who }: Passed): Promise<void> {
  const started = performance.now();
  const told = {
    model: nameOf(who?.model ?? body?.model),
    projectId: principalOf(res).projectId,
    requestId: requestIdOf(res),
  };
  const answer = await askUpstream(
    chat,
    {
      method: "POST",
      path: "/chat/completions",
      body: sent,
      headers: headersOf(req),
      ...upstreamAuthorization(req, deps.keys),
    },
    { ...told, started, signal: abortedWith(res) },
  );
  copyHead(answer, res);
  const reader = createReplyReader(body?.stream === true);
  let cut: unknown;
  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      reader.push(chunk);
      if (!res.write(chunk) && !res.destroyed) await Promise.race([once(res, "drain"), once(res, "close")]);
      if (res.destroyed) break;
    }
    if (!res.destroyed) res.end();
  } catch (error) {
    cut = error;
  }
  const reply = reader.end();
  const isCut = cut !== undefined && !res.destroyed;
  if (isCut) res.destroy(); // as the provider cut it
  await settle(deps, chat, { res, sent, body, who, status: answer.status, reply, started, isCut });
}

/** After the answer: what it cost, and what was said. */
async function settle(
  deps: ApiDeps,
  chat: OpenChat,
  {
    res,
    sent,
    body,
    who,
    status,
    reply,
    started,
    isCut,
  }: Omit<Passed, "req"> & { status: number; reply: Reply; started: number; isCut: boolean },
): Promise<void> {
  const requestId = requestIdOf(res);
  const { projectId } = principalOf(res);
  await tellCall(chat, {
    model: nameOf(who?.model ?? body?.model),
    projectId,
    requestId,
    status,
    started,
    prompt: sent,
    reply,
    isCut,
  });
  if (who === undefined || body === undefined || status !== 200) return;
  const said = newTurns(messagesOf(body));
  await remember(deps, {
    speaker: { projectId, userId: who.userId, agentId: null, sessionId: who.sessionId },
    messages: reply.content === "" ? said : [...said, { role: "assistant", content: reply.content }],
    requestId,
  });
}

const MODEL_LENGTH_MAX = 100;

/** A model's name as the ledger can keep it: whatever a client calls one. */
function nameOf(model: unknown): string {
  const name = typeof model === "string" ? storableContent(model.slice(0, MODEL_LENGTH_MAX)) : "";
  return name === "" ? "unknown" : name;
}

function headersOf(req: Request): Record<string, string> {
  return Object.fromEntries(
    HEADERS_PASSED.flatMap((name) => {
      const value = req.get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function copyHead(
  { status, headers }: { status: number; headers: NodeJS.Dict<string | string[]> },
  res: Response,
): void {
  res.status(status);
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !HEADERS_KEPT_BACK.has(name)) res.setHeader(name, value);
  const id = headers["x-request-id"];
  if (id !== undefined) res.setHeader("x-upstream-request-id", id);
}

/** Ends what is asked of the provider when the client has gone. */
function abortedWith(res: Response): AbortSignal {
  const gone = new AbortController();
  res.once("close", () => {
    if (!res.writableFinished) gone.abort();
  });
  return gone.signal;
}
