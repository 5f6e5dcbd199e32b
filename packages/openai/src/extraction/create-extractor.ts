import { MemoryError, type Extractor } from "@engram/memory";
import type OpenAI from "openai";
import { APIError } from "openai";
import { createClient, type ClientOptions } from "../create-client.ts";
import { mayHaveCost, translateOpenAIError } from "../errors.ts";
import type { ChatCall } from "../provider-call.ts";
import { isBrokenOff } from "./is-broken-off.ts";
import { PROMPT_VERSION, systemPrompt, talkPrompt } from "./prompt.ts";
import { readAnswer, type ModelAnswer } from "./read-answer.ts";
import { EXTRACTION_SCHEMA } from "./schema.ts";

export interface OpenAIExtractorOptions extends ClientOptions {
  readonly timeoutMs: number;
  readonly model: string;
  /** Waits for the turn of a call of so many tokens, by estimate; what it throws is thrown instead of calling. */
  readonly admit?: (tokens: number, signal: AbortSignal) => Promise<void>;
  /** Every call, failed ones too, for metrics and the ledger. */
  readonly onCall?: (call: ChatCall) => void;
}

type Messages = OpenAI.Chat.ChatCompletionMessageParam[];

/** Of English, and of Russian in UTF-8, where a token is two characters or so; what it was really, the answer tells. */
const BYTES_PER_TOKEN = 4;

/** What a provider may not know, from the strictest form on; what it refuses is not asked of it again. */
const FORMATS = [
  { type: "json_schema", json_schema: { name: "facts", strict: true, schema: EXTRACTION_SCHEMA } },
  { type: "json_object" },
  undefined,
] as const;

/**
 * Facts from OpenAI or whoever speaks its API: one chat call for all turns, its answer bound to a schema where the
 * provider knows that. Retries are the outbox's business, so the SDK makes none.
 */
export function createOpenAIExtractor(options: OpenAIExtractorOptions): Extractor {
  // Our own time-out comes first: the SDK knows its own by the name of what was thrown, where that has one.
  const client = createClient({ ...options, timeoutMs: 2 * options.timeoutMs });
  let format = 0;
  let withTemperature = true;

  return {
    model: options.model,
    offline: false,
    async extract(request, signal) {
      const messages: Messages = [
        { role: "system", content: systemPrompt(request.wishes) },
        { role: "user", content: talkPrompt(request) },
      ];
      for (;;) {
        const responseFormat = FORMATS[format];
        try {
          const answer = await callOnce(
            client,
            options,
            { messages, responseFormat, withTemperature },
            request,
            signal,
          );
          return { facts: readAnswer(answer, request), promptVersion: PROMPT_VERSION, isCut: answer.isCut };
        } catch (thrown) {
          if (refuses(thrown, /response_format|json_schema|structured/iu) && format < FORMATS.length - 1) format += 1;
          else if (refuses(thrown, /temperature/iu) && withTemperature) withTemperature = false;
          else throw translateOpenAIError(thrown);
        }
      }
    },
  };
}

function refuses(thrown: unknown, what: RegExp): boolean {
  return thrown instanceof APIError && thrown.status === 400 && what.test(`${thrown.param ?? ""} ${thrown.message}`);
}

async function callOnce(
  client: OpenAI,
  { model, timeoutMs, admit, onCall }: OpenAIExtractorOptions,
  asked: { messages: Messages; responseFormat: (typeof FORMATS)[number]; withTemperature: boolean },
  request: { readonly projectId: string; readonly requestIds: readonly string[] },
  signal: AbortSignal,
): Promise<ModelAnswer> {
  const tokensEstimated = Math.ceil(Buffer.byteLength(JSON.stringify(asked)) / BYTES_PER_TOKEN);
  await admit?.(tokensEstimated, signal);
  const started = performance.now();
  const late = AbortSignal.timeout(timeoutMs);
  const report = (told: Pick<ChatCall, "outcome" | "promptTokens" | "completionTokens" | "retryAfterSeconds">): void =>
    onCall?.({
      operation: "extract",
      model,
      projectId: request.projectId,
      requestId: request.requestIds.at(-1) ?? null,
      tokensEstimated,
      seconds: (performance.now() - started) / 1000,
      ...told,
    });
  try {
    const { choices, usage } = await client.chat.completions.create(
      {
        model,
        messages: asked.messages,
        ...(asked.withTemperature ? { temperature: 0 } : {}),
        ...(asked.responseFormat === undefined ? {} : { response_format: asked.responseFormat }),
      },
      { signal: AbortSignal.any([signal, late]) },
    );
    report({ outcome: "ok", promptTokens: usage?.prompt_tokens ?? 0, completionTokens: usage?.completion_tokens ?? 0 });
    const choice = choices?.[0];
    const content = choice?.message?.content ?? null;
    return {
      content,
      refusal: choice?.message?.refusal ?? null,
      isCut: choice?.finish_reason === "length" || isBrokenOff(content ?? ""),
    };
  } catch (thrown) {
    const isLate = late.aborted && !signal.aborted;
    const error = isLate ? tooLate(thrown) : translateOpenAIError(thrown);
    report({
      outcome: error.code === "invalid" || error.code === "rate_limited" ? error.code : "unavailable",
      promptTokens: mayHaveCost(thrown) ? tokensEstimated : 0,
      completionTokens: 0,
      ...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
    });
    throw isLate ? error : thrown;
  }
}

/** However the call ended that was given up. */
function tooLate(thrown: unknown): MemoryError {
  const { cause } = translateOpenAIError(thrown);
  return new MemoryError("unavailable", "The model provider did not answer in time", { cause, timedOut: true });
}
