import type { Config } from "@engram/config";
import type { Embedder, IndexTarget, Models } from "@engram/memory";
import { createOfflineEmbedder, createOfflineExtractor, OFFLINE_MODEL } from "@engram/offline";
import type { Circuit } from "./circuit.ts";
import { openChat, type OpenChat } from "./open-chat.ts";
import { openExtractor } from "./open-extractor.ts";
import { openProvider, type ProviderTools } from "./open-provider.ts";
import type { Pace } from "./pace.ts";

/** One model, for each use, and what may hold work back; undefined where nothing does. */
export interface OpenEmbedder {
  readonly work: Embedder;
  readonly search: Embedder;
  readonly circuit: Circuit | undefined;
  readonly pace: Pace | undefined;
}

export interface OpenModels extends Models {
  openEmbedderOf(target: Pick<IndexTarget, "model" | "requestedDims">): Promise<OpenEmbedder | undefined>;
  /** Whether the model that reads conversations would take a call now: to be asked before talk is claimed. */
  isExtractorReady(): Promise<boolean>;
  /** Undefined: no provider. */
  readonly chat: OpenChat | undefined;
  close(): Promise<void>;
}

/** The configured embedder, and those of targets that were filled with another: through the same provider, or offline. */
export async function openModels(config: Config, tools: ProviderTools): Promise<OpenModels> {
  const { embeddingModel, embeddingDimensions, openaiApiKey } = config.models;
  const open = async (model: string | null, requestedDims: number | null): Promise<OpenEmbedder | undefined> => {
    if (model === null || model === OFFLINE_MODEL) return withoutProvider(createOfflineEmbedder());
    return openaiApiKey === undefined
      ? undefined
      : openProvider(config, tools, { apiKey: openaiApiKey, model, requestedDims });
  };
  const opened = new Map<string, Promise<OpenEmbedder | undefined>>();
  const remember = (model: string | null, requestedDims: number | null): Promise<OpenEmbedder | undefined> => {
    const key = JSON.stringify([model, requestedDims]);
    const known = opened.get(key) ?? open(model, requestedDims);
    opened.set(key, known);
    return known;
  };
  const configured = await remember(openaiApiKey === undefined ? null : embeddingModel, embeddingDimensions ?? null);
  if (configured === undefined) throw new Error("no embedder is configured");
  const openEmbedderOf = ({ model, requestedDims }: Pick<IndexTarget, "model" | "requestedDims">) =>
    model === null ? Promise.resolve(undefined) : remember(model, requestedDims);
  const reader = openaiApiKey === undefined ? undefined : await openExtractor(config, tools, openaiApiKey);
  return {
    extractor: reader?.extractor ?? createOfflineExtractor(),
    chat: openaiApiKey === undefined ? undefined : await openChat(config, tools, openaiApiKey),
    isExtractorReady: async () => reader === undefined || (reader.circuit.admits && (await reader.pace.waitMs()) === 0),
    embedder: configured.work,
    embedderOf: async (target, use) => (await openEmbedderOf(target))?.[use],
    openEmbedderOf,
    async close() {
      for (const one of await Promise.all(opened.values())) one?.pace?.close();
      reader?.pace.close();
    },
  };
}

function withoutProvider(embedder: Embedder): OpenEmbedder {
  return { work: embedder, search: embedder, circuit: undefined, pace: undefined };
}
