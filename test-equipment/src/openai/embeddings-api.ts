/** What `POST /v1/embeddings` takes and gives, limits and error texts as the real service has them. */
import { embed } from "./embedding.ts";

/** The service's own limits: https://platform.openai.com/docs/api-reference/embeddings/create */
const INPUTS_MAX = 2_048;
const TOKENS_PER_INPUT_MAX = 8_192;
const TOKENS_PER_REQUEST_MAX = 300_000;
/** Near enough for English; a stand-in needs an order of magnitude, and no tokeniser. */
const CHARS_PER_TOKEN = 4;

const DIMENSIONS: readonly (readonly [pattern: RegExp, dimensions: number])[] = [
  [/text-embedding-3-large/u, 3_072],
  [/text-embedding-3-small|ada-002/u, 1_536],
  [/MiniLM/iu, 384],
];
const DIMENSIONS_OTHER = 256;

export type EmbeddingsRequest = {
  readonly model: string;
  readonly inputs: readonly string[];
  readonly dimensions: number;
  readonly isBase64: boolean;
  readonly tokens: number;
};

/** An answer in OpenAI's error shape. `message` is what the client shows. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string | null;
  readonly type: string;
  constructor(status: number, message: string, code: string | null = null, type = typeOf(status)) {
    super(message);
    this.status = status;
    this.code = code;
    this.type = type;
  }
}

function typeOf(status: number): string {
  return status === 429 ? "requests" : status >= 500 ? "server_error" : "invalid_request_error";
}

/** Reads a request body. Throws ApiError 400 for what the service refuses. */
export function parseRequest(body: unknown): EmbeddingsRequest {
  if (typeof body !== "object" || body === null)
    throw new ApiError(400, "We could not parse the JSON body of your request.");
  const { model, input, encoding_format: encoding, dimensions } = body as Readonly<Record<string, unknown>>;
  if (typeof model !== "string" || model === "") throw new ApiError(400, "you must provide a model parameter");
  const inputs = typeof input === "string" ? [input] : input;
  if (!isTexts(inputs))
    throw new ApiError(400, "'$.input' is invalid. This stand-in takes a string or an array of strings.");
  if (inputs.length === 0 || inputs.includes("")) throw new ApiError(400, "'$.input' is invalid.");
  if (inputs.length > INPUTS_MAX) throw new ApiError(400, `'$.input' is invalid. At most ${INPUTS_MAX} inputs.`);
  if (encoding !== undefined && encoding !== "float" && encoding !== "base64") {
    throw new ApiError(400, "Invalid value for 'encoding_format': expected 'float' or 'base64'.");
  }
  for (const text of inputs) checkLength(text);
  const tokens = inputs.reduce((sum, text) => sum + countTokens(text), 0);
  if (tokens > TOKENS_PER_REQUEST_MAX) {
    const message = `Requested ${tokens} tokens, max ${TOKENS_PER_REQUEST_MAX} tokens per request`;
    throw new ApiError(400, message, "max_tokens_per_request");
  }
  return { model, inputs, dimensions: readDimensions(model, dimensions), isBase64: encoding === "base64", tokens };
}

/** The proper answer to a request. */
export function answerRequest({ model, inputs, dimensions, isBase64, tokens }: EmbeddingsRequest): object {
  const data = inputs.map((text, index) => {
    const vector = embed(text, dimensions);
    return { object: "embedding", index, embedding: isBase64 ? toBase64(vector) : vector };
  });
  return { object: "list", data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

function readDimensions(model: string, given: unknown): number {
  const usual = DIMENSIONS.find(([pattern]) => pattern.test(model))?.[1] ?? DIMENSIONS_OTHER;
  if (given === undefined || given === null) return usual;
  if (/ada-002/u.test(model)) throw new ApiError(400, "This model does not support specifying dimensions.");
  if (typeof given !== "number" || !Number.isInteger(given) || given < 1 || given > usual) {
    throw new ApiError(
      400,
      `Invalid value for 'dimensions' = ${JSON.stringify(given)}. Must be between 1 and ${usual}.`,
    );
  }
  return given;
}

function checkLength(text: string): void {
  const tokens = countTokens(text);
  if (tokens <= TOKENS_PER_INPUT_MAX) return;
  throw new ApiError(
    400,
    `This model's maximum context length is ${TOKENS_PER_INPUT_MAX} tokens, however you requested ${tokens} tokens ` +
      `(${tokens} in your prompt; 0 for the completion). Please reduce your prompt; or completion length.`,
  );
}

function countTokens(text: string): number {
  return Math.ceil(text.length / CHARS_PER_TOKEN);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** Little-endian 32-bit floats, which is what the official clients ask for and decode. */
function toBase64(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString("base64");
}
