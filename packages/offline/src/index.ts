export { createOfflineEmbedder, OFFLINE_DIMS, OFFLINE_MODEL } from "./embedder.ts";
