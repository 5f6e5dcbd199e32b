import type { CollectionRef, CollectionState, PointState, ScannedPoint } from "@engram/memory";
import type { QdrantClient, Schemas } from "@qdrant/js-client-rest";
import { statusOf } from "./errors.ts";

/** The calls beneath the client's methods. */
type Api = ReturnType<QdrantClient["api"]>;
/** Runs a reading call, with its deadline, and gives its result. */
type Read = <T>(call: (signal: AbortSignal) => Promise<{ readonly data: { readonly result?: T } }>) => Promise<T>;

/** What `PointState` is made of. */
export const STATE_FIELDS = ["version", "h", "tenant"];

/** Before every UUID that anybody makes, and behind every number: Qdrant puts those first. */
const FIRST_UUID = "00000000-0000-0000-0000-000000000000";

/** A page of points. `offset` is the first id of the page, not the last one before it, so one more is asked for. */
export async function scanPoints(
  read: Read,
  api: Api,
  { name }: CollectionRef,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<readonly ScannedPoint[]> {
  const { points } = await read((signal) =>
    api.scrollPoints(
      {
        collection_name: name,
        offset: after ?? FIRST_UUID,
        limit: limit + 1,
        with_payload: STATE_FIELDS,
        with_vector: false,
      },
      { signal },
    ),
  );
  return points
    .map((point) => ({ id: String(point.id), ...toState(point.payload) }))
    .filter(({ id }) => id !== after)
    .slice(0, limit);
}

/** Dimensions, and the greatest version, which the index over that field answers without a look at the points. */
export async function inspectCollection(
  read: Read,
  api: Api,
  { name }: CollectionRef,
): Promise<CollectionState | undefined> {
  try {
    const { config } = await read((signal) => api.getCollection({ collection_name: name }, { signal }));
    const { points } = await read((signal) =>
      api.scrollPoints(
        {
          collection_name: name,
          limit: 1,
          order_by: { key: "version", direction: "desc" },
          with_payload: ["version"],
          with_vector: false,
        },
        { signal },
      ),
    );
    const greatest = points[0] === undefined ? undefined : toState(points[0].payload).version;
    return { dims: dimsOf(config.params.vectors), greatestVersion: greatest };
  } catch (error) {
    if (error instanceof Error && statusOf(error.cause) === 404) return undefined;
    throw error;
  }
}

/** NaN: a collection of named vectors, which is none of ours. */
export function dimsOf(vectors: unknown): number {
  return typeof vectors === "object" && vectors !== null && "size" in vectors ? Number(vectors.size) : Number.NaN;
}

export function toState(payload: Schemas["Record"]["payload"]): PointState {
  const { version, h, tenant } = (payload ?? {}) as Readonly<Record<string, unknown>>;
  return {
    version: Number(version ?? Number.NaN),
    hash: typeof h === "string" ? h : "",
    tenant: typeof tenant === "string" ? tenant : "",
  };
}
