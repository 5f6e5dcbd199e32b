export { createOpenAIEmbedder, type OpenAIEmbedderOptions, type ProviderCall } from "./create-embedder.ts";
export { createOpenAIExtractor, type OpenAIExtractorOptions } from "./extraction/create-extractor.ts";
export { estimateTokens, priceOf } from "./prices.ts";
export type { ChatCall } from "./provider-call.ts";
