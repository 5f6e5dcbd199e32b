import { beforeDeadline, poolOf, timed } from "./arms.ts";
import { toMemoryError } from "./errors.ts";
import type { Placed } from "./fuse.ts";
import type { CollectionRef, IndexTarget, VectorHit } from "./ports/index.ts";
import { idsOf, MANY_USERS, tenantsOf } from "./search-reach.ts";
import type { Degradation, SearchDeps, SearchRequest } from "./search-request.ts";
import type { Vector } from "./vector.ts";
import { searchVectors as searchVectorsIn } from "./working-set/search-vectors.ts";
import type { HeldRows } from "./working-set/seen-rows.ts";

/** Candidates from the vectors; half of it costs .3 points of recall@10, ten times as many give another .5. */
const VECTOR_POOL_MIN = 200;

/** What the vectors found. */
export interface VectorArm {
  /** Undefined: nothing was asked, or nothing came. */
  readonly hits: readonly VectorHit[] | undefined;
  /** Where the hits stand among the ids of what is held. */
  readonly placed?: Placed;
  /** How many were asked for; as many hits as that, and there may be more. */
  readonly pool: number;
  readonly target: IndexTarget | undefined;
  readonly degraded: readonly Degradation[];
  readonly cause?: unknown;
  /** Whether a memory that is not among the hits has a vector; absent: that is known of its row alone. */
  readonly hasVector?: (id: string) => boolean;
  /**
   * The same with a larger pool; absent where none can be asked for. Never throws: what cannot be had in time leaves the
   * hits as they are, and says so.
   */
  readonly askOn?: (pool: number) => Promise<VectorArm>;
}

/** What the vectors have, of those that are held or of the index. Never throws: what is the matter is told. */
export async function searchVectors(
  deps: SearchDeps,
  query: string,
  request: SearchRequest,
  { holding, deadline }: { holding: Promise<HeldRows | undefined>; deadline: AbortSignal },
): Promise<VectorArm> {
  const without = (code: Degradation["code"], message: string, cause?: unknown): VectorArm => ({
    hits: undefined,
    pool: 0,
    target: undefined,
    degraded: [{ code, message }],
    cause,
  });
  const { target, collection, embedder } = await deps.live();
  if (collection === undefined)
    return without("index_not_ready", "No worker has prepared the index yet; words answer alone");
  if (embedder === undefined)
    return without(
      "other_model",
      `The index holds vectors of ${collection.model}, whose provider is not configured; words answer alone until a worker has rebuilt it`,
    );

  let vector: Vector;
  try {
    vector = await timed(deps, "embed", () => beforeDeadline(deps.queryVectors(embedder, query), deadline));
  } catch (error) {
    if (deadline.aborted)
      return without("deadline", `No embedding within ${deps.deadlineMs} ms; words answer alone`, error);
    return without("embedder_unavailable", `${toMemoryError(error).message}; words answer alone`, error);
  }
  const nearest = nearestOf(deps, request, { collection, vector, held: await holding, deadline });
  const ask = async (pool: number): Promise<VectorArm> => {
    const { areAll, ...found } = await timed(deps, "vectors", async () => {
      deadline.throwIfAborted();
      const asked = nearest(pool);
      return asked instanceof Promise ? beforeDeadline(asked, deadline) : asked;
    });
    const degraded = [...(embedder.lexical ? [LEXICAL] : []), ...(areAll ? [] : [MANY_USERS])];
    const arm = { ...found, pool, target, degraded };
    return {
      ...arm,
      askOn: (larger) => ask(larger).catch((cause: unknown) => ({ ...arm, ...cutShort(deadline, arm, cause) })),
    };
  };
  try {
    return await ask(poolOf(VECTOR_POOL_MIN, request));
  } catch (error) {
    if (deadline.aborted)
      return without("deadline", `No vectors within ${deps.deadlineMs} ms; words answer alone`, error);
    return without("vectors_unavailable", `${toMemoryError(error).message}; words answer alone`, error);
  }
}

interface Nearest {
  readonly hits: readonly VectorHit[];
  /** False: there are more users than were asked for. */
  readonly areAll: boolean;
  readonly placed?: Placed;
  readonly hasVector?: (id: string) => boolean;
}

/** The nearest so many, among the vectors that are held where they are, else of the index. */
function nearestOf(
  deps: SearchDeps,
  { filter }: SearchRequest,
  {
    collection,
    vector,
    held,
    deadline,
  }: { collection: CollectionRef; vector: Vector; held: HeldRows | undefined; deadline: AbortSignal },
): (pool: number) => Promise<Nearest> | Nearest {
  if (held?.set.vectors?.dims === vector.length)
    return (pool) => ({
      ...searchVectorsIn(held.set, held.seen, vector, pool),
      areAll: true,
      hasVector: held.set.without.size === 0 ? ALL_HAVE : (id: string) => !held.set.without.has(id),
    });
  const tenants = tenantsOf(deps, filter);
  const ids = idsOf(deps, filter);
  return async (pool) => {
    const [known, only] = await Promise.all([tenants, ids]);
    const narrowed = only === undefined ? {} : { ids: only };
    const query = { vector, filter, tenants: known.tenants, limit: pool, now: new Date(), ...narrowed };
    return { hits: await deps.index.search(collection, query, deadline), areAll: known.areAll };
  };
}

const ALL_HAVE = (): boolean => true;

const LEXICAL: Degradation = {
  code: "lexical_embeddings",
  message: "No model is configured: embeddings are lexical and match words and stems, not meaning",
};

/** The nearest points were out of date, and the index did not come to give further ones. */
function cutShort(
  deadline: AbortSignal,
  { degraded }: Pick<VectorArm, "degraded">,
  cause: unknown,
): Pick<VectorArm, "degraded" | "cause"> {
  const code = deadline.aborted ? "deadline" : "vectors_unavailable";
  const message = "Many points of the index are out of date, and it gave no further ones in time";
  return { degraded: [...degraded, { code, message }], cause };
}
