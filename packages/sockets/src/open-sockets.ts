import { createBullMqBell } from "@engram/bullmq";
import type { Config } from "@engram/config";
import {
  createLocalBell,
  type Bell,
  type IndexTargets,
  type MemoryStore,
  type Models,
  type Outbox,
  type VectorIndex,
} from "@engram/memory";
import { createOfflineEmbedder } from "@engram/offline";
import { createOpenAIEmbedder } from "@engram/openai";
import { openPGlite } from "@engram/pglite";
import { createPgvectorIndex } from "@engram/pgvector";
import { createIndexTargets, createMemoryStore, createOutbox, createPool } from "@engram/postgres";
import { createQdrantIndex } from "@engram/qdrant";
import type { Executor } from "@engram/sql";
import type { Logger, Metrics } from "@engram/telemetry";

/** The four sockets with what is plugged into them. */
export interface Sockets {
  readonly db: Executor;
  readonly store: MemoryStore;
  readonly outbox: Outbox;
  readonly targets: IndexTargets;
  readonly index: VectorIndex;
  readonly bell: Bell;
  readonly models: Models;
  readonly chosen: Chosen;
  close(): Promise<void>;
}

/** Which adapter each socket has: the one place where that is decided. */
export interface Chosen {
  readonly truth: "pglite" | "postgresql";
  readonly vectors: "pgvector" | "qdrant";
  readonly queue: "local" | "bullmq";
  readonly models: "offline" | "openai";
}

export function chooseSockets(config: Config): Chosen {
  return {
    truth: config.truth.databaseUrl === undefined ? "pglite" : "postgresql",
    vectors: config.vectors.qdrantUrl === undefined ? "pgvector" : "qdrant",
    queue: config.queue.redisUrl === undefined ? "local" : "bullmq",
    models: config.models.openaiApiKey === undefined ? "offline" : "openai",
  };
}

/**
 * Opens every socket. Nothing of a network is waited for: what is away is tried again by those who use it. Throws when
 * the embedded database's folder is in use.
 */
export async function openSockets(
  config: Config,
  { logger, metrics }: { logger: Logger; metrics: Metrics },
): Promise<Sockets> {
  const db = await openTruth(config, logger);
  const index = openVectors(config, db);
  const bell = openQueue(config, logger);
  return {
    db,
    store: createMemoryStore(db),
    outbox: createOutbox(db),
    targets: createIndexTargets(db, { base: config.vectors.collection }),
    index,
    bell,
    models: { embedder: openEmbedder(config, metrics) },
    chosen: chooseSockets(config),
    async close() {
      await bell.close();
      await index.close();
      await db.close();
    },
  };
}

export async function openTruth(config: Config, logger: Logger): Promise<Executor> {
  const { databaseUrl, poolSize, statementTimeoutMs } = config.truth;
  if (databaseUrl === undefined) return openPGlite({ folder: config.dataDir });
  return createPool({
    connectionString: databaseUrl,
    size: poolSize,
    statementTimeoutMs,
    onError: (err) => logger.warn({ err }, "Database connection lost"),
  });
}

function openVectors(config: Config, db: Executor): VectorIndex {
  const { qdrantUrl, qdrantApiKey, collection, timeoutMs } = config.vectors;
  if (qdrantUrl === undefined) return createPgvectorIndex(db);
  return createQdrantIndex({
    url: qdrantUrl,
    alias: collection,
    timeoutMs,
    ...(qdrantApiKey === undefined ? {} : { apiKey: qdrantApiKey }),
  });
}

function openQueue(config: Config, logger: Logger): Bell {
  const onError = (err: unknown): void => logger.warn({ err }, "Queue trouble");
  return config.queue.redisUrl === undefined
    ? createLocalBell({ onError })
    : createBullMqBell({ url: config.queue.redisUrl, onError });
}

function openEmbedder(config: Config, metrics: Metrics) {
  const { openaiApiKey, openaiBaseUrl, embeddingModel, embeddingDimensions, timeoutMs } = config.models;
  if (openaiApiKey === undefined) return createOfflineEmbedder();
  return createOpenAIEmbedder({
    apiKey: openaiApiKey,
    model: embeddingModel,
    timeoutMs,
    ...(openaiBaseUrl === undefined ? {} : { baseUrl: openaiBaseUrl }),
    ...(embeddingDimensions === undefined ? {} : { dimensions: embeddingDimensions }),
    onCall({ model, tokens, seconds, outcome }) {
      metrics.providerCalls.inc({ operation: "embed", model, outcome });
      metrics.providerTokens.inc({ operation: "embed", model }, tokens);
      metrics.providerCallDuration.observe({ operation: "embed" }, seconds);
    },
  });
}
