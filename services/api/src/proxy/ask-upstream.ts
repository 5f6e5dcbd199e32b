import type { Readable } from "node:stream";
import { MemoryError, type ProviderCallRecord } from "@engram/memory";
import type { OpenChat } from "@engram/sockets";
import type { ApiDeps } from "../app.ts";
import { countPrompt, tokenCounter } from "../count-tokens.ts";
import type { Reply } from "./read-reply.ts";

/** The model that talks; throws `unavailable` with the cure where none is configured. */
export function chatOf({ sockets }: ApiDeps): OpenChat {
  const { chat } = sockets.models;
  if (chat === undefined)
    throw new MemoryError("unavailable", "No model is configured to talk: set OPENAI_API_KEY or OPENAI_BASE_URL");
  return chat;
}

export interface ToldCall {
  readonly model: string;
  readonly projectId: string;
  readonly requestId: string;
  readonly status: number;
  readonly started: number;
  /** The body as it was sent. */
  readonly prompt: Buffer;
  readonly reply: Reply;
  /** True: the provider broke off its answer. What it had worked by then is paid for all the same. */
  readonly isCut?: boolean;
}

type Send = OpenChat["upstream"]["send"];

/** Sends what is asked. Throws as the upstream does, and a call that got no answer is in the ledger too. */
export async function askUpstream(
  chat: OpenChat,
  request: Parameters<Send>[0],
  {
    signal,
    started,
    ...call
  }: Pick<ToldCall, "model" | "projectId" | "requestId" | "started"> & { signal: AbortSignal },
): ReturnType<Send> {
  try {
    return await chat.upstream.send(request, signal);
  } catch (error) {
    const seconds = (performance.now() - started) / 1000;
    chat.tell({ ...call, outcome: "unavailable", promptTokens: 0, completionTokens: 0, seconds });
    throw error;
  }
}

/** Tells the ledger of a call. What the provider did not count (a stream that nobody asked to count) is counted here. */
export async function tellCall(
  chat: OpenChat,
  { model, projectId, requestId, status, started, prompt, reply, isCut = false }: ToldCall,
): Promise<void> {
  const isOk = status >= 200 && status < 300;
  const [promptTokens, completionTokens] = isOk ? await tokensOf(prompt, reply) : [0, 0];
  chat.tell({
    model,
    projectId,
    requestId,
    outcome: isCut ? "unavailable" : outcomeOf(status),
    promptTokens,
    completionTokens,
    seconds: (performance.now() - started) / 1000,
  });
}

async function tokensOf(prompt: Buffer, reply: Reply): Promise<readonly [number, number]> {
  if (reply.promptTokens !== undefined && reply.completionTokens !== undefined)
    return [reply.promptTokens, reply.completionTokens];
  const countTokens = await tokenCounter();
  return [
    reply.promptTokens ?? countPrompt(countTokens, prompt.toString("utf8")),
    reply.completionTokens ?? countTokens(reply.content),
  ];
}

function outcomeOf(status: number): ProviderCallRecord["outcome"] {
  if (status >= 200 && status < 300) return "ok";
  if (status === 429) return "rate_limited";
  return status >= 400 && status < 500 ? "invalid" : "unavailable";
}

/** The pieces of a streamed answer as they come. */
export async function* deltasOf(body: Readable): AsyncGenerator<string> {
  let left = "";
  const decoder = new TextDecoder();
  for await (const chunk of body as AsyncIterable<Buffer>) {
    left += decoder.decode(chunk, { stream: true });
    const lines = left.split("\n");
    left = lines.pop() ?? "";
    for (const line of lines) {
      const delta = deltaOf(line);
      if (delta !== undefined) yield delta;
    }
  }
}

function deltaOf(line: string): string | undefined {
  if (!line.startsWith("data:") || line.slice("data:".length).trim() === "[DONE]") return undefined;
  try {
    const event = JSON.parse(line.slice("data:".length)) as { choices?: { delta?: { content?: unknown } }[] };
    const content = event.choices?.[0]?.delta?.content;
    return typeof content === "string" && content !== "" ? content : undefined;
  } catch {
    return undefined;
  }
}
