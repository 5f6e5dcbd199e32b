import type { Readable } from "node:stream";
import { MemoryError } from "@engram/memory";
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
}

/** Tells the ledger of a call. What the provider did not count (a stream that nobody asked to count) is counted here. */
export async function tellCall(
  chat: OpenChat,
  { model, projectId, requestId, status, started, prompt, reply }: ToldCall,
): Promise<void> {
  const isOk = status >= 200 && status < 300;
  const [promptTokens, completionTokens] = isOk ? await tokensOf(prompt, reply) : [0, 0];
  chat.tell({
    model,
    projectId,
    requestId,
    outcome: isOk ? "ok" : status === 429 ? "rate_limited" : status >= 400 && status < 500 ? "invalid" : "unavailable",
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
