import { collectionOf, type CollectionRef, type IndexTarget, type IndexTargets } from "@engram/memory";

/** How old an answer may be: searches ask it every time, it changes when a model does. Sooner while nothing is prepared. */
const FRESH_MS = 5_000;
const FRESH_WHILE_UNPREPARED_MS = 200;

/** The live target, remembered for a few seconds. */
export function createLiveTarget(
  targets: IndexTargets,
  base: string,
): () => Promise<{ target: IndexTarget; collection: CollectionRef | undefined }> {
  let known: { target: IndexTarget; collection: CollectionRef | undefined; at: number } | undefined;
  let asking: Promise<{ target: IndexTarget; collection: CollectionRef | undefined }> | undefined;

  async function ask() {
    const target = await targets.live();
    known = { target, collection: collectionOf(base, target), at: Date.now() };
    return known;
  }

  return () => {
    const freshMs = known?.collection === undefined ? FRESH_WHILE_UNPREPARED_MS : FRESH_MS;
    if (known !== undefined && Date.now() - known.at < freshMs) return Promise.resolve(known);
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}
