/**
 * TEST EQUIPMENT: a small server that speaks the part of OpenAI's HTTP API that this project uses, with deterministic
 * embeddings (embedding.ts) and answers (chat-api.ts), the service's limits and error shapes, and faults to order (control.ts). No model, no network,
 * no cost. Reached through `OPENAI_BASE_URL`, so that the code under test is the official client and ours, unchanged.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { openAIControl, type OpenAIControl, type OpenAIFault, type OpenAILimits } from "../control.ts";
import { answerChat, completionTokens, parseChat, streamedBodies, wholeBody } from "./chat-api.ts";
import { answerRequest, ApiError, parseRequest, type EmbeddingsRequest } from "./embeddings-api.ts";
import { createFaultList } from "./faults.ts";
import { createLimiter, LimitError } from "./limits.ts";

const BODY_BYTES_MAX = 32 * 1024 * 1024;
/** Longer than any client's: the client closes idle connections, so none is cut under a request. */
const KEEP_ALIVE_TIMEOUT_MS = 120_000;
const WRONG_KEY = "sk-wrong";
const MODELS = [
  "gpt-4o-mini",
  "text-embedding-3-small",
  "text-embedding-3-large",
  "text-embedding-ada-002",
  "all-MiniLM-L6-v2",
];

export type OpenAIOptions = { readonly port?: number };

export type OpenAI = OpenAIControl & {
  /** Ends in `/v1`, as the clients want their base URL. */
  readonly url: string;
  readonly stop: () => Promise<void>;
};

/** Starts the stand-in in this process, on a free port of 127.0.0.1. Any key is good but `sk-wrong`. */
export async function startOpenAI(options: OpenAIOptions = {}): Promise<OpenAI> {
  const handle = createHandler();
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => sendError(response, error));
  });
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  // A test run that forgets to stop us must still be able to end.
  server.unref();
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  const url = `http://127.0.0.1:${address.port}/v1`;
  return {
    url,
    ...openAIControl(url),
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function createHandler(): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const faults = createFaultList();
  const limiter = createLimiter();
  const counters = {
    calls: 0,
    inputs: 0,
    tokens: 0,
    chat_calls: 0,
    chat_prompt_tokens: 0,
    chat_completion_tokens: 0,
    chat_aborted: 0,
    faults: 0,
    limited: 0,
  };

  const createEmbeddings = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = parseRequest(await readJson(request));
    counters.calls += 1;
    setHeaders(response, takeOrRefuse(asked.tokens));
    const fault = faults.take("embeddings", asked.inputs);
    if (fault !== undefined) counters.faults += 1;
    if (fault?.delay_ms !== undefined) await sleep(fault.delay_ms);
    if (fault?.hang === true) return;
    if (fault?.status !== undefined) return sendFault(response, fault.status, fault.retry_after);
    if (fault?.wrong_json === true) return send(response, 200, '{"object":"list","data":[{"embed');
    // Counted here: what was refused has cost nothing.
    counters.inputs += asked.inputs.length;
    counters.tokens += asked.tokens;
    send(response, 200, JSON.stringify(answerRequest(spoil(asked, fault))));
  };

  const createChat = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = parseChat(await readJson(request));
    counters.chat_calls += 1;
    setHeaders(response, takeOrRefuse(asked.promptTokens));
    const fault = faults.take(
      "chat",
      asked.messages.map((message) => message.content),
    );
    if (fault !== undefined) counters.faults += 1;
    if (fault?.delay_ms !== undefined) await sleep(fault.delay_ms);
    if (fault?.hang === true) return;
    if (fault?.status !== undefined) return sendFault(response, fault.status, fault.retry_after);
    if (fault?.wrong_json === true) return send(response, 200, '{"object":"chat.completion","choices":[{"mess');
    const answer = answerChat(asked, fault);
    counters.chat_prompt_tokens += asked.promptTokens;
    counters.chat_completion_tokens += completionTokens(answer);
    if (!asked.isStreamed) return send(response, 200, JSON.stringify(wholeBody(asked, answer)));
    if (!(await stream(response, streamedBodies(asked, answer), fault))) counters.chat_aborted += 1;
  };

  const takeOrRefuse = (tokens: number): Readonly<Record<string, string>> => {
    try {
      return limiter.take(tokens);
    } catch (error) {
      if (error instanceof LimitError) counters.limited += 1;
      throw error;
    }
  };

  return async (request, response) => {
    const route = `${request.method} ${new URL(request.url ?? "/", "http://localhost").pathname}`;
    switch (route) {
      case "GET /":
        return send(response, 200, JSON.stringify({ title: "OpenAI stand-in: TEST EQUIPMENT, no model behind it" }));
      case "POST /_test/faults":
        faults.add((await readJson(request)) as OpenAIFault);
        return send(response, 200, "{}");
      case "DELETE /_test/faults":
        faults.clear();
        return send(response, 200, "{}");
      case "POST /_test/limits":
        limiter.set((await readJson(request)) as OpenAILimits);
        return send(response, 200, "{}");
      case "GET /_test/counters":
        return send(response, 200, JSON.stringify(counters));
      case "GET /v1/models":
        checkKey(request);
        return send(response, 200, JSON.stringify({ object: "list", data: MODELS.map(describeModel) }));
      case "POST /v1/embeddings":
        checkKey(request);
        return createEmbeddings(request, response);
      case "POST /v1/chat/completions":
        checkKey(request);
        return createChat(request, response);
      default:
        throw new ApiError(404, `Invalid URL (${route})`);
    }
  };
}

/** Server-sent events. False: the client went away before the end. */
async function stream(
  response: ServerResponse,
  bodies: Iterable<object>,
  fault: OpenAIFault | undefined,
): Promise<boolean> {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
  let left = fault?.cut_after ?? Number.POSITIVE_INFINITY;
  for (const body of bodies) {
    if (response.destroyed) return false;
    if (left-- <= 0) {
      response.destroy();
      return true;
    }
    response.write(`data: ${JSON.stringify(body)}\n\n`);
    if (fault?.pause_ms !== undefined) await sleep(fault.pause_ms);
  }
  response.end("data: [DONE]\n\n");
  return true;
}

function describeModel(id: string): object {
  return { id, object: "model", created: 0, owned_by: "test-equipment" };
}

function spoil(asked: EmbeddingsRequest, fault: OpenAIFault | undefined): EmbeddingsRequest {
  const inputs = fault?.half === true ? asked.inputs.slice(0, Math.floor(asked.inputs.length / 2)) : asked.inputs;
  return { ...asked, inputs, dimensions: asked.dimensions - (fault?.wrong_dimension === true ? 1 : 0) };
}

function checkKey(request: IncomingMessage): void {
  const key = /^Bearer (.+)$/u.exec(request.headers.authorization ?? "")?.[1];
  if (key === undefined) throw new ApiError(401, "You didn't provide an API key.");
  if (key === WRONG_KEY) throw new ApiError(401, `Incorrect API key provided: ${key}.`, "invalid_api_key");
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new ApiError(413, "Request body too large.");
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch {
    throw new ApiError(400, "We could not parse the JSON body of your request.");
  }
}

function sendFault(response: ServerResponse, status: number, retryAfter: number | string | undefined): void {
  if (retryAfter !== undefined) response.setHeader("retry-after", String(retryAfter));
  const code = status === 429 ? "rate_limit_exceeded" : null;
  sendError(response, new ApiError(status, `Fault ordered by a test: ${status}`, code));
}

function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return;
  const known = error instanceof ApiError ? error : new ApiError(500, String(error));
  if (known instanceof LimitError) setHeaders(response, known.headers);
  const body = { error: { message: known.message, type: known.type, param: null, code: known.code } };
  send(response, known.status, JSON.stringify(body));
}

function setHeaders(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
}
