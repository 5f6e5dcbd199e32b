import type { Config } from "@engram/config";
import type { Embedder, Models } from "@engram/memory";
import { createOfflineEmbedder, OFFLINE_MODEL } from "@engram/offline";
import type { Metrics } from "@engram/telemetry";

/** The configured embedder, and those of targets that were filled with another: through the same provider, or offline. */
export async function openModels(config: Config, metrics: Metrics): Promise<Models> {
  const { embeddingModel, embeddingDimensions, openaiApiKey } = config.models;
  const open = async (model: string | null, requestedDims: number | null): Promise<Embedder | undefined> => {
    if (model === null || model === OFFLINE_MODEL) return createOfflineEmbedder();
    return openaiApiKey === undefined
      ? undefined
      : openOpenAI(config, metrics, { apiKey: openaiApiKey, model, requestedDims });
  };
  const opened = new Map<string, Promise<Embedder | undefined>>();
  const embedderOf = (model: string | null, requestedDims: number | null): Promise<Embedder | undefined> => {
    const key = JSON.stringify([model, requestedDims]);
    const known = opened.get(key) ?? open(model, requestedDims);
    opened.set(key, known);
    return known;
  };
  const embedder = await embedderOf(openaiApiKey === undefined ? null : embeddingModel, embeddingDimensions ?? null);
  if (embedder === undefined) throw new Error("no embedder is configured");
  return {
    embedder,
    embedderOf: ({ model, requestedDims }) =>
      model === null ? Promise.resolve(undefined) : embedderOf(model, requestedDims),
  };
}

async function openOpenAI(
  { models }: Config,
  metrics: Metrics,
  { apiKey, model, requestedDims }: { apiKey: string; model: string; requestedDims: number | null },
): Promise<Embedder> {
  const { createOpenAIEmbedder } = await import("@engram/openai");
  return createOpenAIEmbedder({
    apiKey,
    model,
    timeoutMs: models.timeoutMs,
    ...(models.openaiBaseUrl === undefined ? {} : { baseUrl: models.openaiBaseUrl }),
    ...(requestedDims === null ? {} : { dimensions: requestedDims }),
    onCall({ model: called, tokens, seconds, outcome }) {
      metrics.providerCalls.inc({ operation: "embed", model: called, outcome });
      metrics.providerTokens.inc({ operation: "embed", model: called }, tokens);
      metrics.providerCallDuration.observe({ operation: "embed" }, seconds);
    },
  });
}
