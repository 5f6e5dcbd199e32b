import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { MemoryError } from "./errors.ts";
import type { Embedder } from "./ports/index.ts";
import type { Vector } from "./vector.ts";

/** Gives the vector of a query, from the embedder or from an earlier call. Throws what the embedder throws. */
export type QueryVectors = (embedder: Embedder, query: string) => Promise<Vector>;

/** Of 1,536 dimensions: 3 MB. */
const KEPT_MAX = 512;

/**
 * Vectors of the latest queries, so that one that is asked again costs no call, and one that is asked by several at once
 * costs one. A call serves whoever asks: it ends by its own timeout and not with the search that made it, so that the
 * vector of a query that came too late for one search is there for the next. Queries are kept as hashes alone.
 */
export function createQueryVectors({
  timeoutMs,
  keptMax = KEPT_MAX,
}: {
  timeoutMs: number;
  keptMax?: number;
}): QueryVectors {
  const kept = new LRUCache<string, Promise<Vector>>({ max: keptMax });
  return (embedder, query) => {
    const key = hash("sha256", JSON.stringify([embedder.model, embedder.requestedDims, query]), "base64");
    const known = kept.get(key);
    if (known !== undefined) return known;
    const vector = embed(embedder, query, AbortSignal.timeout(timeoutMs));
    kept.set(key, vector);
    vector.catch(() => {
      if (kept.peek(key) === vector) kept.delete(key);
    });
    return vector;
  };
}

async function embed(embedder: Embedder, query: string, signal: AbortSignal): Promise<Vector> {
  const [vector] = (await embedder.embed([query], signal)).vectors;
  if (vector === undefined) throw new MemoryError("unavailable", "the embedder returned no vector");
  return vector;
}
