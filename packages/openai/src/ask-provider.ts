import OpenAI, { APIError } from "openai";
import { translateOpenAIError } from "./errors.ts";

/** A sign of life that costs nothing: the list of models. A provider that has no such list has answered too. */
export async function askProvider(
  { apiKey, baseUrl }: { readonly apiKey: string; readonly baseUrl?: string },
  signal: AbortSignal,
): Promise<void> {
  const client = new OpenAI({
    apiKey,
    baseURL: baseUrl ?? null,
    maxRetries: 0,
    organization: null,
    project: null,
    logLevel: "off",
  });
  try {
    await client.models.list({ signal });
  } catch (thrown) {
    if (thrown instanceof APIError && thrown.status === 404) return;
    throw translateOpenAIError(thrown);
  }
}
