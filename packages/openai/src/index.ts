export { askProvider } from "./ask-provider.ts";
export { createOpenAIEmbedder, type OpenAIEmbedderOptions, type ProviderCall } from "./create-embedder.ts";
export { createOpenAIExtractor, type OpenAIExtractorOptions } from "./extraction/create-extractor.ts";
export { costOf, estimateTokens, priceOf, type Price, type Prices } from "./prices.ts";
export type { ChatCall } from "./provider-call.ts";
export { createUpstream, type Upstream, type UpstreamAnswer } from "./upstream.ts";
