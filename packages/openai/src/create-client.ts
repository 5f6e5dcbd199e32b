import OpenAI from "openai";

export interface ClientOptions {
  readonly apiKey: string;
  /** Any OpenAI-compatible service; OpenAI's own when absent. */
  readonly baseUrl?: string | undefined;
  /** Absent: the SDK's ten minutes, for calls that carry a signal. */
  readonly timeoutMs?: number;
}

/**
 * The SDK as every call of ours wants it: retries are the outbox's business, and only what Engram's own configuration names
 * is taken, never what happens to stand in the environment.
 */
export function createClient({ apiKey, baseUrl, timeoutMs }: ClientOptions): OpenAI {
  return new OpenAI({
    apiKey,
    baseURL: baseUrl ?? null,
    maxRetries: 0,
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    organization: null,
    project: null,
    // At OPENAI_LOG=debug it would print what it sends, which is what people said.
    logLevel: "off",
  });
}
