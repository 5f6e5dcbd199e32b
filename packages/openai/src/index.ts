export { createOpenAIEmbedder, type OpenAIEmbedderOptions, type ProviderCall } from "./create-embedder.ts";
export { estimateTokens, priceOf } from "./prices.ts";
