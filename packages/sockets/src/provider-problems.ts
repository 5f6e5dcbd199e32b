import { isPlaceholder, type Config, type Problem } from "@engram/config";
import { toMemoryError } from "@engram/memory";
import type { Logger } from "@engram/telemetry";
import { keepTrying } from "./keep-trying.ts";
import type { Readiness } from "./readiness.ts";

/** As the adapter has it (packages/openai/src/errors.ts): a provider's own words may quote the key, and go nowhere. */
const REFUSED_KEY = /^The model provider refuses the key/;
const CURE =
  "Put a key that the provider takes into OPENAI_API_KEY and start again. Words answer and work waits meanwhile, none of it is lost";

/** The trouble of a provider that the operator alone can end; undefined for what may end by itself. */
export function providerProblem(error: unknown): Problem | undefined {
  const { message } = toMemoryError(error);
  return REFUSED_KEY.test(message) ? { code: "provider_key", message, cure: CURE } : undefined;
}

/**
 * Asks the provider at the start whether it takes the key, at no cost: where the index stands already, nobody else would ask
 * before the first memory. A refusal is one line in the log and in `/readyz`, and is asked again until it is over; of what
 * else a provider may have, the circuits tell.
 */
export async function checkProviderKey(
  { models }: Config,
  { readiness, logger, stop }: { readiness: Readiness; logger: Logger; stop: AbortSignal },
): Promise<void> {
  const { openaiApiKey: apiKey, openaiBaseUrl: baseUrl, timeoutMs } = models;
  // A placeholder is told as one, and is nothing to send anywhere.
  if (apiKey === undefined || isPlaceholder(apiKey)) return;
  const { askProvider } = await import("@engram/openai");
  const address = { apiKey, ...(baseUrl === undefined ? {} : { baseUrl }) };
  let wasRefused = false;
  const ask = async (): Promise<void> => {
    try {
      await askProvider(address, AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]));
    } catch (error) {
      if (providerProblem(error) !== undefined) throw error;
    }
  };
  await keepTrying(ask, {
    stop,
    onFailure(error) {
      const problem = providerProblem(error);
      if (problem === undefined) return;
      wasRefused = true;
      const { code, cure, message } = problem;
      if (!readiness.problems.some((known) => known.message === message)) logger.warn({ code, cure }, message);
      readiness.report("models", problem);
    },
  });
  readiness.clear("models");
  if (wasRefused && !stop.aborted) logger.info("The model provider takes the key");
}
