import { collectionOf, type CollectionRef, type Embedder, type EmbedderUse, type IndexTarget } from "@engram/memory";
import type { Sockets } from "./open-sockets.ts";

/** A target with what is needed to work for it or to search in it. */
export interface OpenTarget {
  readonly target: IndexTarget;
  /** Undefined until a worker has probed the embedder. */
  readonly collection: CollectionRef | undefined;
  /** Undefined when the model that filled it cannot be had any more. */
  readonly embedder: Embedder | undefined;
}

/** How old an answer may be: searches ask it every time, it changes when a model does. Sooner while nothing is prepared. */
const FRESH_MS = 5_000;
const FRESH_WHILE_UNPREPARED_MS = 200;

/** The live target, for searches, remembered for a few seconds: one that was replaced is followed for longer than that. */
export function createLiveTarget(sockets: Sockets, base: string): () => Promise<OpenTarget> {
  return remember(
    async () => openTarget(sockets, base, await sockets.targets.live(), "search"),
    ({ collection }) => (collection === undefined ? FRESH_WHILE_UNPREPARED_MS : FRESH_MS),
  );
}

/** How soon a worker takes up another target, or leaves one that ended. */
const FOLLOWED_FRESH_MS = 1_000;

/** The targets that follow the rows, for work, the live one first. */
export function createFollowedTargets(sockets: Sockets, base: string): () => Promise<readonly OpenTarget[]> {
  return remember(
    async () =>
      Promise.all((await sockets.targets.followed()).map((target) => openTarget(sockets, base, target, "work"))),
    () => FOLLOWED_FRESH_MS,
  );
}

async function openTarget(sockets: Sockets, base: string, target: IndexTarget, use: EmbedderUse): Promise<OpenTarget> {
  return { target, collection: collectionOf(base, target), embedder: await sockets.models.embedderOf(target, use) };
}

function remember<T>(ask: () => Promise<T>, freshMs: (value: T) => number): () => Promise<T> {
  let known: { value: T; at: number } | undefined;
  let asking: Promise<T> | undefined;
  const askAnew = async (): Promise<T> => {
    const value = await ask();
    known = { value, at: Date.now() };
    return value;
  };
  return () => {
    if (known !== undefined && Date.now() - known.at < freshMs(known.value)) return Promise.resolve(known.value);
    asking ??= askAnew().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}
