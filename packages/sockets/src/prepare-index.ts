import { collectionName, probeEmbedder, type CollectionRef, type IndexTarget } from "@engram/memory";
import type { Sockets } from "./open-sockets.ts";

const PROBE_TIMEOUT_MS = 30_000;

export interface PreparedIndex {
  readonly target: IndexTarget;
  readonly collection: CollectionRef;
  /** True: another model than before, so everything is embedded anew. */
  readonly changed: boolean;
}

/**
 * Probes the embedder, makes its collection, and only then makes it the live target, so that work is never asked for an
 * index that cannot take it.
 */
export async function prepareIndex(sockets: Sockets, base: string): Promise<PreparedIndex> {
  const probe = await probeEmbedder(sockets.models.embedder, AbortSignal.timeout(PROBE_TIMEOUT_MS));
  const collection = { name: collectionName(base, probe.model, probe.dims), model: probe.model, dims: probe.dims };
  await sockets.index.prepare(collection);
  const { target, changed } = await sockets.targets.adopt(probe);
  return { target, collection, changed };
}
