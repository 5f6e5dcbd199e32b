import { MemoryError, type PointState, type VectorHit, type VectorIndex } from "@engram/memory";
import { QdrantClient } from "@qdrant/js-client-rest";
import { translateQdrantError } from "./errors.ts";
import { toPayload } from "./payload.ts";
import { prepareCollection } from "./prepare.ts";
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
export function createQdrantIndex(options: QdrantIndexOptions): VectorIndex {
  const client = new QdrantClient({
    ...addressOf(options.url),
    timeout: options.timeoutMs,
    checkCompatibility: false,
    headers: keyHeader(options.apiKey),
  });
  const read = <T>(call: Promise<T>, signal?: AbortSignal): Promise<T> => until(signal, call, { writing: false });
  const write = <T>(call: Promise<T>, signal?: AbortSignal): Promise<T> => until(signal, call, { writing: true });

  return {
    prepare: (collection) => read(prepareCollection(client, options.alias, collection)),

    async fetchStates({ name }, ids, signal) {
      signal.throwIfAborted();
      const points = await read(
        client.retrieve(name, { ids: [...ids], with_payload: ["version", "h"], with_vector: false }),
        signal,
      );
      return new Map(points.map((point) => [String(point.id), stateOf(point.payload)]));
    },

    async upsert({ name }, points, signal) {
      signal.throwIfAborted();
      await write(
        client.upsert(name, {
          wait: true,
          points: points.map((point) => ({
            id: point.memory.id,
            vector: [...point.vector],
            payload: toPayload(point),
          })),
        }),
        signal,
      );
      return points.map((point) => point.memory.id);
    },

    async setPayload({ name }, points, signal) {
      signal.throwIfAborted();
      // Overwriting a point that is not there is 404 for the whole batch: ask first, and leave what is absent.
      const there = new Set(
        (
          await read(
            client.retrieve(name, {
              ids: points.map((point) => point.memory.id),
              with_payload: false,
              with_vector: false,
            }),
            signal,
          )
        ).map((point) => point.id),
      );
      const present = points.filter((point) => there.has(point.memory.id));
      if (present.length === 0) return [];
      signal.throwIfAborted();
      const operations = present.map((point) => ({
        overwrite_payload: { payload: toPayload(point), points: [point.memory.id] },
      }));
      await write(client.batchUpdate(name, { wait: true, operations }), signal);
      return present.map((point) => point.memory.id);
    },

    async delete({ name }, ids, signal) {
      signal.throwIfAborted();
      await write(client.delete(name, { wait: true, points: [...ids] }), signal);
    },

    async search({ name }, query, signal): Promise<readonly VectorHit[]> {
      signal.throwIfAborted();
      if (query.tenants.length === 0) return [];
      const { points } = await read(
        client.query(name, {
          query: [...query.vector],
          filter: toFilter(query),
          limit: query.limit,
          with_payload: ["version"],
          with_vector: false,
        }),
        signal,
      );
      return points.map((point) => ({
        id: String(point.id),
        version: Number(point.payload?.["version"]),
        cosine: point.score,
      }));
    },

    async ping(signal) {
      await read(client.versionInfo(), signal);
    },

    close: () => Promise.resolve(),
  };
}

function stateOf(payload: Record<string, unknown> | null | undefined): PointState {
  return {
    version: Number(payload?.["version"] ?? Number.NaN),
    hash: typeof payload?.["h"] === "string" ? payload["h"] : "",
  };
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

/**
 * The call's result, or a MemoryError when it fails or when `signal` fires first. The client takes no signal, so a call
 * that was left behind goes on for at most `timeoutMs`: what a write then did is unknown.
 */
async function until<T>(
  signal: AbortSignal | undefined,
  call: Promise<T>,
  { writing }: { writing: boolean },
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const leave = (): void =>
      reject(
        new MemoryError("unavailable", "Qdrant did not answer in time", {
          cause: signal?.reason,
          outcomeUnknown: writing,
        }),
      );
    signal?.addEventListener("abort", leave, { once: true });
    call
      .then(resolve, (error: unknown) => reject(translateQdrantError(error, { writing })))
      .finally(() => signal?.removeEventListener("abort", leave));
  });
}
