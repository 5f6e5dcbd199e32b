export { createOpenAIEmbedder, type OpenAIEmbedderOptions, type ProviderCall } from "./create-embedder.ts";
