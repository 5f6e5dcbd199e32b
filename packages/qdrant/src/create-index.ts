import { MemoryError, toDecimals, type VectorHit, type VectorIndex } from "@engram/memory";
import { QdrantClient, type Schemas } from "@qdrant/js-client-rest";
import { withDeadline } from "./deadline.ts";
import { statusOf, translateQdrantError } from "./errors.ts";
import { toPayload } from "./payload.ts";
import { pointAlias, prepareCollection } from "./prepare.ts";
import { inspectCollection, scanPoints, STATE_FIELDS, toState } from "./scan.ts";
import { toFilter } from "./to-filter.ts";

export interface QdrantIndexOptions {
  readonly url: string;
  readonly apiKey?: string;
  /** The name that outsiders use, an alias of the live collection. */
  readonly alias: string;
  /** The longest life of a request; shorter than the outbox's horizon. */
  readonly timeoutMs: number;
}

/**
 * Vectors in Qdrant. Points are written and deleted by explicit id only, because filters are evaluated again when its
 * log is replayed (qdrant#9575), and every write waits until it is applied.
 */
export function createQdrantIndex({ url, apiKey, alias, timeoutMs }: QdrantIndexOptions): VectorIndex {
  const settings = { ...addressOf(url), checkCompatibility: false, headers: keyHeader(apiKey) };
  const client = new QdrantClient({ ...settings, timeout: timeoutMs });
  // The client's methods take no signal; the calls beneath them do, where no finite timeout puts its own in its place.
  const api = new QdrantClient({ ...settings, timeout: Number.POSITIVE_INFINITY }).api();

  const ask = async <T>(
    { writing, signal }: { writing: boolean; signal: AbortSignal },
    call: (signal: AbortSignal) => Promise<{ readonly data: { readonly result?: T } }>,
  ): Promise<T> => {
    try {
      const { data } = await withDeadline({ timeoutMs, signal, writing }, call);
      if (data.result === undefined) throw new Error("an answer without a result: what answers is no Qdrant");
      return data.result;
    } catch (error) {
      throw translateQdrantError(error, { writing });
    }
  };

  /** The client's own methods, for what is done rarely and may be done again. */
  const arrange = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw translateQdrantError(error, { writing: false });
    }
  };

  return {
    prepare: (collection) => arrange(() => prepareCollection(client, collection)),

    async publish({ name }) {
      await arrange(() => pointAlias(client, alias, name));
      return undefined;
    },

    async drop({ name }) {
      await arrange(() => client.deleteCollection(name));
    },

    async fetchStates({ name }, ids, signal) {
      if (ids.length === 0) return new Map();
      const records = await ask({ writing: false, signal }, (until) =>
        api.getPoints(
          { collection_name: name, ids: [...ids], with_payload: STATE_FIELDS, with_vector: false },
          { signal: until },
        ),
      );
      return new Map(records.map((record) => [String(record.id), toState(record.payload)]));
    },

    scan: (collection, page, signal) =>
      scanPoints((call) => ask({ writing: false, signal }, call), api, collection, page),

    inspect: (collection, signal) =>
      inspectCollection((call) => ask({ writing: false, signal }, call), api, collection),

    async upsert({ name }, given, signal) {
      if (given.length === 0) return [];
      const points = given.map((point) => ({
        id: point.memory.id,
        vector: toDecimals(point.vector),
        payload: toPayload(point),
      }));
      const result = await ask({ writing: true, signal }, (until) =>
        api.upsertPoints({ collection_name: name, wait: true, points }, { signal: until }),
      );
      assertApplied(result);
      return points.map((point) => point.id);
    },

    async setPayload({ name }, points, signal) {
      if (points.length === 0) return [];
      // Overwriting a point that is not there is 404 for the whole batch: ask first, and leave what is absent.
      const ids = points.map((point) => point.memory.id);
      const records = await ask({ writing: false, signal }, (until) =>
        api.getPoints({ collection_name: name, ids, with_payload: false, with_vector: false }, { signal: until }),
      );
      const there = new Set(records.map((record) => String(record.id)));
      const present = points.filter((point) => there.has(point.memory.id));
      if (present.length === 0) return [];
      const operations = present.map((point) => ({
        overwrite_payload: { payload: toPayload(point), points: [point.memory.id] },
      }));
      const results = await ask({ writing: true, signal }, (until) =>
        api.batchUpdate({ collection_name: name, wait: true, operations }, { signal: until }),
      );
      for (const result of results) assertApplied(result);
      return present.map((point) => point.memory.id);
    },

    async delete({ name }, ids, signal) {
      if (ids.length === 0) return;
      const result = await ask({ writing: true, signal }, (until) =>
        api.deletePoints({ collection_name: name, wait: true, points: [...ids] }, { signal: until }),
      );
      assertApplied(result);
    },

    async search({ name }, query, signal): Promise<readonly VectorHit[]> {
      const filter = toFilter(query);
      if (filter === undefined || query.limit <= 0) return [];
      const { points } = await ask({ writing: false, signal }, (until) =>
        api.queryPoints(
          {
            collection_name: name,
            query: toDecimals(query.vector),
            filter,
            limit: query.limit,
            with_payload: ["version"],
            with_vector: false,
          },
          { signal: until },
        ),
      );
      return points.map((point) => ({
        id: String(point.id),
        version: Number(point.payload?.["version"]),
        cosine: point.score,
      }));
    },

    async listTenant({ name }, { tenant, limit, after }, signal) {
      const filter = { must: [{ key: "tenant", match: { value: tenant } }] };
      try {
        // `offset` is the first id of the page, not the last one of the page before.
        const { points } = await ask({ writing: false, signal }, (until) =>
          api.scrollPoints(
            {
              collection_name: name,
              filter,
              limit: limit + 1,
              with_payload: false,
              with_vector: false,
              ...(after === undefined ? {} : { offset: after }),
            },
            { signal: until },
          ),
        );
        return points
          .map((point) => String(point.id))
          .filter((id) => id !== after)
          .slice(0, limit);
      } catch (error) {
        if (error instanceof MemoryError && statusOf(error.cause) === 404) return undefined;
        throw error;
      }
    },

    async ping(signal) {
      // Not the version or /healthz, which answer without a key.
      await ask({ writing: false, signal }, (until) =>
        api.collectionExists({ collection_name: alias }, { signal: until }),
      );
    },

    close: () => Promise.resolve(),
  };
}

/**
 * A write that was only `acknowledged`, or whose wait ran out (`wait_timeout`), is logged and will land some time: that is
 * doubt, whatever the status code said.
 */
function assertApplied({ status }: Schemas["UpdateResult"]): void {
  if (status === "completed") return;
  throw new MemoryError("unavailable", `Qdrant has not applied the write yet (${status})`, { outcomeUnknown: true });
}

/** The client adds port 6333 to an address without one, which behind an HTTPS proxy is nobody's. */
function addressOf(url: string): { url: string; port: number; prefix?: string } {
  const { protocol, host, hostname, port, pathname } = new URL(url);
  const standard = protocol === "https:" ? 443 : 80;
  const prefix = pathname === "/" ? {} : { prefix: pathname.replace(/\/$/, "") };
  const isBare = port === "";
  return { url: `${protocol}//${isBare ? hostname : host}`, port: isBare ? standard : Number(port), ...prefix };
}

/** As a header, because the client's own option warns on standard output about http, which inside a network is the norm. */
function keyHeader(apiKey: string | undefined): Record<string, string> {
  return apiKey === undefined ? {} : { "api-key": apiKey };
}
