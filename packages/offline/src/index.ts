export { createOfflineEmbedder, OFFLINE_DIMS, OFFLINE_MODEL } from "./embedder.ts";
export { createOfflineExtractor } from "./extraction/create-extractor.ts";
