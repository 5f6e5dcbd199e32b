import type { CollectionRef, IndexTarget } from "./ports/index.ts";

/** An identifier of PostgreSQL is cut at 63 bytes; Qdrant takes it too. */
const NAME_LENGTH_MAX = 63;

/** The topic of the outbox whose work keeps a target's index. */
export function indexTopic(targetName: string): string {
  return `index:${targetName}`;
}

/** `NAME__model__dims`: one collection per model, its name made of what an identifier may hold. */
export function collectionName(base: string, model: string, dims: number): string {
  const suffix = `__${dims}`;
  const slug = model.toLowerCase().replaceAll(/[^a-z0-9_]/g, "_");
  return `${base}__${slug}`.slice(0, NAME_LENGTH_MAX - suffix.length) + suffix;
}

/** The collection of a target; undefined until a worker has probed the embedder. */
export function collectionOf(base: string, target: IndexTarget): CollectionRef | undefined {
  if (target.model === null || target.dims === null) return undefined;
  return { name: collectionName(base, target.model, target.dims), model: target.model, dims: target.dims };
}
