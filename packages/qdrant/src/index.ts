export { createQdrantIndex, type QdrantIndexOptions } from "./create-index.ts";
