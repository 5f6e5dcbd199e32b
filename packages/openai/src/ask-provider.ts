import { APIError } from "openai";
import { createClient, type ClientOptions } from "./create-client.ts";
import { translateOpenAIError } from "./errors.ts";

/** A sign of life that costs nothing: the list of models. A provider that has no such list has answered too. */
export async function askProvider(
  options: Pick<ClientOptions, "apiKey" | "baseUrl">,
  signal: AbortSignal,
): Promise<void> {
  const client = createClient(options);
  try {
    await client.models.list({ signal });
  } catch (thrown) {
    if (thrown instanceof APIError && thrown.status === 404) return;
    throw translateOpenAIError(thrown);
  }
}
