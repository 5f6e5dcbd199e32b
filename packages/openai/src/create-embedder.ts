import { MemoryError, type Embedder, type Embedding, type Vector } from "@engram/memory";
import type OpenAI from "openai";
import { createClient, type ClientOptions } from "./create-client.ts";
import { cutTokens } from "./cut-tokens.ts";
import { mayHaveCost, translateOpenAIError } from "./errors.ts";
import { readVectors } from "./read-vectors.ts";

export interface OpenAIEmbedderOptions extends ClientOptions {
  readonly timeoutMs: number;
  readonly model: string;
  /** Shortens the vectors, where the model can. */
  readonly dimensions?: number;
  /** The most that one call may carry, by estimate; a larger text goes by itself. */
  readonly tokensPerCallMax?: number;
  /** Waits for the turn of a call of so many tokens, by estimate; what it throws is thrown instead of calling. */
  readonly admit?: (tokens: number, signal: AbortSignal) => Promise<void>;
  /** Every call, failed ones too, for metrics and the ledger. */
  readonly onCall?: (call: ProviderCall) => void;
}

export interface ProviderCall {
  readonly model: string;
  readonly texts: number;
  /** As the provider counts; by estimate where it may have worked in vain, 0 where it has not. */
  readonly tokens: number;
  /** As `admit` was told. */
  readonly tokensEstimated: number;
  readonly seconds: number;
  readonly outcome: "ok" | "invalid" | "rate_limited" | "unavailable";
  /** What the provider asked for. */
  readonly retryAfterSeconds?: number;
}

/** One request may carry 2,048 inputs and 300,000 tokens; a token is at least one byte, so bytes bound both. */
const INPUTS_MAX = 2_048;
const BYTES_MAX = 300_000;
/** Of English, and of Russian in UTF-8, where a token is two characters or so; what it was really, the answer tells. */
const BYTES_PER_TOKEN = 4;

/** Embeddings from OpenAI or whoever speaks its API. */
export function createOpenAIEmbedder(options: OpenAIEmbedderOptions): Embedder {
  const client = createClient(options);

  // As asked for, else as in the first answer.
  let dims = options.dimensions;

  return {
    model: options.model,
    requestedDims: options.dimensions ?? null,
    lexical: false,
    async embed(texts, signal) {
      const inputs = await Promise.all(texts.map(cutTokens));
      const vectors: Vector[] = [];
      let tokens = 0;
      for (const batch of splitBatches(inputs, bytesMax(options))) {
        const embedding = await callOnce(client, options, batch, signal);
        vectors.push(...embedding.vectors);
        tokens += embedding.tokens;
      }
      dims ??= vectors[0]?.length;
      assertSize(vectors, dims);
      return { vectors, tokens };
    },
  };
}

function bytesMax({ tokensPerCallMax = Number.POSITIVE_INFINITY }: OpenAIEmbedderOptions): number {
  return Math.min(BYTES_MAX, tokensPerCallMax * BYTES_PER_TOKEN);
}

function splitBatches(inputs: readonly string[], bytesMax: number): readonly (readonly string[])[] {
  const batches: string[][] = [];
  let bytes = Infinity;
  for (const input of inputs) {
    const size = Buffer.byteLength(input);
    const last = batches.at(-1);
    if (last === undefined || last.length >= INPUTS_MAX || bytes + size > bytesMax) {
      batches.push([input]);
      bytes = size;
    } else {
      last.push(input);
      bytes += size;
    }
  }
  return batches;
}

async function callOnce(
  client: OpenAI,
  options: OpenAIEmbedderOptions,
  inputs: readonly string[],
  signal: AbortSignal,
): Promise<Embedding> {
  const { model, dimensions, admit, onCall } = options;
  const tokensEstimated = Math.ceil(inputs.reduce((sum, input) => sum + Buffer.byteLength(input), 0) / BYTES_PER_TOKEN);
  await admit?.(tokensEstimated, signal);
  const started = performance.now();
  const report = (told: Pick<ProviderCall, "outcome" | "tokens" | "retryAfterSeconds">): void =>
    onCall?.({
      model,
      texts: inputs.length,
      tokensEstimated,
      seconds: (performance.now() - started) / 1000,
      ...told,
    });
  try {
    const answer = await client.embeddings.create(
      // Asked for by name, the SDK hands base64 through instead of unpacking it into arrays of doubles.
      {
        model,
        input: [...inputs],
        encoding_format: "base64",
        ...(dimensions === undefined ? {} : { dimensions }),
      },
      { signal },
    );
    const embedding = { vectors: readVectors(answer.data, inputs.length), tokens: answer.usage?.total_tokens ?? 0 };
    report({ outcome: "ok", tokens: embedding.tokens });
    return embedding;
  } catch (thrown) {
    const error = translateOpenAIError(thrown);
    report({
      outcome: error.code === "invalid" || error.code === "rate_limited" ? error.code : "unavailable",
      tokens: mayHaveCost(thrown) ? tokensEstimated : 0,
      ...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
    });
    throw error;
  }
}

/** Another size than before would be the index's `invalid`, and park work that is in order. */
function assertSize(vectors: readonly Vector[], dims: number | undefined): void {
  const other = vectors.find((vector) => vector.length !== dims);
  if (other === undefined) return;
  const message = `The model provider gave a vector of ${other.length} dimensions instead of ${String(dims)}`;
  throw new MemoryError("unavailable", message);
}
