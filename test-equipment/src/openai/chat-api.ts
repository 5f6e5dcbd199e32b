/** What `POST /v1/chat/completions` takes and gives, in the shapes of the real service: whole, streamed, with tools. */
import { randomUUID } from "node:crypto";
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import type { OpenAIFault } from "../control.ts";
import { answerTalk } from "./answer-talk.ts";
import { ApiError } from "./embeddings-api.ts";
import { readFacts } from "./read-facts.ts";
import { instanceOf } from "./schema-instance.ts";

export type ChatMessage = { readonly role: string; readonly content: string; readonly toolCalls: boolean };

export type ChatRequest = {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly schema: unknown;
  readonly tools: readonly { readonly name: string; readonly parameters: unknown }[];
  readonly toolChoice: unknown;
  readonly isStreamed: boolean;
  readonly withUsage: boolean;
  readonly promptTokens: number;
};

export type ChatAnswer = {
  readonly content: string | null;
  readonly refusal: string | null;
  readonly toolCalls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  readonly finishReason: "stop" | "length" | "tool_calls";
};

type Json = Readonly<Record<string, unknown>>;

/** Reads a request body. Throws ApiError 400 for what the service refuses. */
export function parseChat(body: unknown): ChatRequest {
  if (typeof body !== "object" || body === null)
    throw new ApiError(400, "We could not parse the JSON body of your request.");
  const {
    model,
    messages,
    response_format: format,
    tools,
    tool_choice: toolChoice,
    stream,
    stream_options,
  } = body as Json;
  if (typeof model !== "string" || model === "") throw new ApiError(400, "you must provide a model parameter");
  if (!Array.isArray(messages) || messages.length === 0)
    throw new ApiError(400, "Invalid type for 'messages': expected an array with minimum length 1.");
  const schema = (format as { json_schema?: { schema?: unknown } } | undefined)?.json_schema?.schema;
  return {
    model,
    messages: readTalk(messages),
    schema,
    tools: Array.isArray(tools) ? tools.map(readTool) : [],
    toolChoice,
    isStreamed: stream === true,
    withUsage: (stream_options as { include_usage?: unknown } | undefined)?.include_usage === true,
    // As billed, near enough: the messages, what binds the answer, and the tools.
    promptTokens: countTokens(JSON.stringify([messages.map(textOfMessage), schema ?? "", tools ?? ""])),
  };
}

/** A tool's message answers a call of the assistant's before it, or the whole talk is refused. */
function readTalk(given: readonly unknown[]): readonly ChatMessage[] {
  const calls = new Set<unknown>();
  for (const [index, message] of (given as readonly (Json | null)[]).entries()) {
    for (const call of (message?.["tool_calls"] ?? []) as readonly (Json | null)[]) calls.add(call?.["id"]);
    if (message?.["role"] === "tool" && !calls.has(message["tool_call_id"]))
      throw new ApiError(
        400,
        `Invalid parameter: 'messages[${index}]' must answer a preceding message's 'tool_calls'.`,
      );
  }
  return given.map(readMessage);
}

function readMessage(given: unknown, index: number): ChatMessage {
  const { role, tool_calls: toolCalls } = (given ?? {}) as Json;
  if (typeof role !== "string" || !["system", "developer", "user", "assistant", "tool"].includes(role))
    throw new ApiError(400, `Invalid value for 'messages[${index}].role'.`);
  return { role, content: textOfMessage(given), toolCalls: toolCalls !== undefined };
}

function textOfMessage(given: unknown): string {
  const content: unknown = (given as Json | null)?.["content"];
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  const texts = content.map((part: unknown) => (part as Json | null)?.["text"]);
  return texts.filter((text) => typeof text === "string").join("\n");
}

function readTool(given: unknown): ChatRequest["tools"][number] {
  const { name, parameters } = ((given as Json | null)?.["function"] ?? {}) as Json;
  if (typeof name !== "string") throw new ApiError(400, "Missing required parameter: 'tools[0].function.name'.");
  return { name, parameters };
}

/** The proper answer; a fault may put other words into its mouth. */
export function answerChat(asked: ChatRequest, fault: OpenAIFault | undefined): ChatAnswer {
  const plain = { content: null, refusal: null, toolCalls: [], finishReason: "stop" } as const;
  if (fault?.refusal === true) return { ...plain, refusal: "I'm sorry, I can't assist with that." };
  const content = fault?.content ?? contentOf(asked);
  if (fault?.half === true)
    return { ...plain, content: content.slice(0, Math.floor(content.length / 2)), finishReason: "length" };
  const [tool] = asked.tools;
  if (tool !== undefined && wantsTool(asked))
    return {
      ...plain,
      toolCalls: [
        {
          id: `call_${randomUUID().replaceAll("-", "")}`,
          name: tool.name,
          arguments: JSON.stringify(instanceOf(tool.parameters)),
        },
      ],
      finishReason: "tool_calls",
    };
  return { ...plain, content };
}

/** A tool is called once: not again after it has reported. */
function wantsTool({ messages, toolChoice }: ChatRequest): boolean {
  return toolChoice !== "none" && messages.at(-1)?.role !== "tool";
}

function contentOf(asked: ChatRequest): string {
  return asked.schema === undefined ? answerTalk(asked.messages) : JSON.stringify(structuredAnswer(asked));
}

function structuredAnswer({ schema, messages }: ChatRequest): unknown {
  const facts = (schema as { properties?: { facts?: unknown } } | null)?.properties?.facts;
  return facts === undefined ? instanceOf(schema) : { facts: readFacts(messages.at(-1)?.content ?? "") };
}

/** The body of an answer that is not streamed. */
export function wholeBody(asked: ChatRequest, answer: ChatAnswer): object {
  return {
    ...envelope(asked, "chat.completion"),
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: answer.content,
          refusal: answer.refusal,
          ...(answer.toolCalls.length === 0 ? {} : { tool_calls: answer.toolCalls.map(toolCallJson) }),
        },
        logprobs: null,
        finish_reason: answer.finishReason,
      },
    ],
    usage: usageOf(asked, answer),
  };
}

/** The events of a streamed answer, in the order of the service: the role, the pieces, the reason of the end, the usage. */
export function* streamedBodies(asked: ChatRequest, answer: ChatAnswer): Generator<object> {
  const head = envelope(asked, "chat.completion.chunk");
  const usage = asked.withUsage ? { usage: null } : {};
  const chunk = (delta: object, finishReason: string | null = null): object => ({
    ...head,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    ...usage,
  });
  yield chunk({ role: "assistant", content: answer.content === null ? null : "", refusal: null });
  for (const piece of (answer.content ?? "").match(/\S+\s*|\s+/gu) ?? []) yield chunk({ content: piece });
  for (const [index, call] of answer.toolCalls.entries()) {
    yield chunk({ tool_calls: [{ index, ...toolCallJson({ ...call, arguments: "" }) }] });
    for (const piece of call.arguments.match(/.{1,8}/gsu) ?? [])
      yield chunk({ tool_calls: [{ index, function: { arguments: piece } }] });
  }
  yield chunk({}, answer.finishReason);
  if (asked.withUsage) yield { ...head, choices: [], usage: usageOf(asked, answer) };
}

function envelope({ model }: ChatRequest, object: string): object {
  return {
    id: `chatcmpl-${randomUUID()}`,
    object,
    created: Math.floor(Date.now() / 1000),
    model,
    system_fingerprint: "fp_test_equipment",
  };
}

function toolCallJson({ id, name, arguments: given }: ChatAnswer["toolCalls"][number]): object {
  return { id, type: "function", function: { name, arguments: given } };
}

export function completionTokens({ content, toolCalls }: ChatAnswer): number {
  return countTokens([content ?? "", ...toolCalls.map((call) => call.name + call.arguments)].join(""));
}

function usageOf(asked: ChatRequest, answer: ChatAnswer): object {
  const completion = completionTokens(answer);
  return {
    prompt_tokens: asked.promptTokens,
    completion_tokens: completion,
    total_tokens: asked.promptTokens + completion,
  };
}
