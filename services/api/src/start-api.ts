import { createServer } from "node:http";
import type { Config } from "@engram/config";
import { createOnce, createPutQueue, createQueryVectors, createWorkingSets } from "@engram/memory";
import { createLiveTarget, migrateWhenReady, type Readiness, type Sockets } from "@engram/sockets";
import type { Logger, Metrics } from "@engram/telemetry";
import { createApp } from "./app.ts";
import { Backlog } from "./backlog.ts";
import { closable } from "./close-server.ts";
import { listen } from "./listen.ts";
import { measureOutbox } from "./measure-outbox.ts";
import { roomForSearches } from "./room-for-searches.ts";
import { warmUp } from "./warm-up.ts";

export interface StartApiDeps {
  readonly sockets: Sockets;
  readonly config: Config;
  readonly keys: readonly string[];
  readonly version: string;
  readonly readiness: Readiness;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface Api {
  /** Where it listens, `http://127.0.0.1:3456`. */
  readonly url: string;
  /** Stops taking requests, answers those under way, at most 7 s. */
  stop(): Promise<void>;
}

/** Headers and bodies that do not come are cut: a slow client must not hold a connection for ever. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Longer than a proxy's idle time, so that the proxy and not we close first (a reused, closing connection is a 502). */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** A query's vector that comes too late for its search is kept for the next one, when it comes by then. */
const QUERY_VECTOR_TIMEOUT_MS = 10_000;
/** Leaves the stores' goodbye two of the nine seconds that a stop may take. */
const STOP_TIMEOUT_MS = 7_000;

/** Starts the HTTP service; it listens at once and answers 503 until the database is there. */
export async function startApi({
  sockets,
  config,
  keys,
  version,
  readiness,
  logger,
  metrics,
}: StartApiDeps): Promise<Api> {
  const stopping = new AbortController();
  const backlog = new Backlog(config.backlog);
  const workingSets = createWorkingSets({
    rows: sockets.searchable,
    index: sockets.searchIndex,
    bytesMax: config.search.cacheBytes ?? roomForSearches(),
    onError: (err) => logger.warn({ err }, "The memories of a user cannot be held for searches"),
    onLookup(outcome, { users, bytes }) {
      metrics.searchCacheLookups.inc({ outcome });
      metrics.searchCacheUsers.set(users);
      metrics.searchCacheBytes.set(bytes);
    },
  });
  const app = createApp({
    config,
    keys,
    version,
    sockets,
    readiness,
    logger,
    metrics,
    backlog,
    puts: createPutQueue(sockets.store, { onGroup: (size) => metrics.putGroupSize.observe(size) }),
    once: createOnce(sockets.answers),
    ring: (pending, topic = "embed") => sockets.bell.ring(topic, { pending }),
    search: {
      store: sockets.store,
      index: sockets.searchIndex,
      live: createLiveTarget(sockets, config.vectors.collection),
      queryVectors: createQueryVectors({ timeoutMs: QUERY_VECTOR_TIMEOUT_MS }),
      workingSets,
      deadlineMs: config.search.deadlineMs,
      onArm: (arm, outcome, seconds) => metrics.searchArmDuration.observe({ arm, outcome }, seconds),
    },
  });
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS },
    app,
  );
  const closeServer = closable(server);
  const url = await listen(server, config.door);
  logger.info({ url }, "API listens");

  const migrated = migrateWhenReady(sockets, readiness, {
    logger,
    stop: stopping.signal,
    truth: config.truth,
    searchLanguages: config.search.languages,
  });
  const warm = migrated.then(() => readiness.migrated && warmUp({ sockets, logger }));
  const measured = measureOutbox({ sockets, readiness, backlog, metrics, logger }, stopping.signal);

  return {
    url,
    async stop() {
      readiness.stop();
      stopping.abort();
      await closeServer({ timeoutMs: STOP_TIMEOUT_MS });
      workingSets.close();
      await Promise.all([warm, measured]);
    },
  };
}
