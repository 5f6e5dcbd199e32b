import {
  collectionName,
  collectionOf,
  MemoryError,
  probeEmbedder,
  type CollectionRef,
  type IndexTarget,
} from "@engram/memory";
import type { Sockets } from "./open-sockets.ts";

const PROBE_TIMEOUT_MS = 30_000;

export interface PreparedIndex {
  readonly target: IndexTarget;
  readonly collection: CollectionRef;
  /** What keeps the live collection from its public name, in one line with its cure. */
  readonly unpublished: string | undefined;
}

/**
 * Sees to it that the configured embedder has its collection and its target: the live one, or one that fills while
 * searches stay on the live one. The collection comes first, so that work is never asked for an index that cannot take
 * it. A target that is known is not probed again: a start does not need the provider.
 */
export async function prepareIndex(sockets: Sockets, base: string): Promise<PreparedIndex> {
  const { targets, index, models } = sockets;
  let unpublished: string | undefined;
  for (const target of await targets.followed()) {
    const collection = collectionOf(base, target);
    if (collection === undefined) continue;
    await index.prepare(collection);
    if (target.state === "live") unpublished = await index.publish(collection);
    const { embedder } = models;
    const isWanted = target.model === embedder.model && target.requestedDims === embedder.requestedDims;
    if (isWanted && target.calibration !== null && target.retireAt === null) return { target, collection, unpublished };
  }
  const probe = await probeEmbedder(models.embedder, AbortSignal.timeout(PROBE_TIMEOUT_MS));
  await index.prepare({ name: collectionName(base, probe.model, probe.dims), model: probe.model, dims: probe.dims });
  const target = await targets.adopt(probe);
  const collection = collectionOf(base, target);
  if (collection === undefined)
    throw new MemoryError("internal", "Internal error", { cause: new Error("a target was adopted without a model") });
  if (target.state === "live") unpublished = await index.publish(collection);
  return { target, collection, unpublished };
}
