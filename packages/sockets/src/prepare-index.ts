import {
  collectionName,
  collectionOf,
  isCurrent,
  MemoryError,
  probeEmbedder,
  type CollectionRef,
  type EmbedderProbe,
  type IndexTarget,
} from "@engram/memory";
import type { OpenModels } from "./open-models.ts";
import type { Sockets } from "./open-sockets.ts";

const PROBE_TIMEOUT_MS = 30_000;

type IndexSockets = Pick<Sockets, "targets" | "index"> & { readonly models: Pick<OpenModels, "embedder"> };

export interface PreparedIndex {
  readonly target: IndexTarget;
  readonly collection: CollectionRef;
  /** What keeps the live collection from its public name, in one line with its cure. */
  readonly unpublished: string | undefined;
}

/**
 * Sees to it that the configured embedder has its collection and its target: the live one, or one that fills while
 * searches stay on the live one. The collection comes first, so that work is never asked for an index that cannot take
 * it. A target that is known is not probed again: a start does not need the provider. One that was probed by an older
 * version is, and serves as it is while the provider is away.
 */
export async function prepareIndex(sockets: IndexSockets, base: string): Promise<PreparedIndex> {
  const { targets, index, models } = sockets;
  let unpublished: string | undefined;
  let standing: PreparedIndex | undefined;
  for (const target of await targets.followed()) {
    const collection = collectionOf(base, target);
    if (collection === undefined) continue;
    await index.prepare(collection);
    if (target.state === "live") unpublished = await index.publish(collection);
    const { embedder } = models;
    const isWanted = target.model === embedder.model && target.requestedDims === embedder.requestedDims;
    if (!isWanted || target.calibration === null || target.retireAt !== null) continue;
    standing = { target, collection, unpublished };
    if (isCurrent(target.calibration)) return standing;
    break;
  }
  const asked = probeEmbedder(models.embedder, AbortSignal.timeout(PROBE_TIMEOUT_MS));
  if (standing === undefined) return { unpublished, ...(await adopt(sockets, base, await asked)) };
  const probe = await asked.catch(() => undefined);
  return probe === undefined ? standing : { unpublished, ...(await adopt(sockets, base, probe)) };
}

async function adopt({ targets, index }: IndexSockets, base: string, probe: EmbedderProbe) {
  await index.prepare({ name: collectionName(base, probe.model, probe.dims), model: probe.model, dims: probe.dims });
  const target = await targets.adopt(probe);
  const collection = collectionOf(base, target);
  if (collection === undefined)
    throw new MemoryError("internal", "Internal error", { cause: new Error("a target was adopted without a model") });
  return target.state === "live"
    ? { target, collection, unpublished: await index.publish(collection) }
    : { target, collection };
}
