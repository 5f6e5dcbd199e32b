import type { Config, Problem } from "@engram/config";
import {
  createLocalBell,
  type Bell,
  type IndexTargets,
  type MemoryStore,
  type Models,
  type Outbox,
  type ParkedJobs,
  type Schedules,
  type VectorIndex,
} from "@engram/memory";
import {
  createIndexTargets,
  createMemoryStore,
  createOutbox,
  createParkedJobs,
  createPool,
  createSchedules,
} from "@engram/postgres";
import type { Executor } from "@engram/sql";
import type { Logger, Metrics } from "@engram/telemetry";
import { openModels } from "./open-models.ts";

/** The four sockets with what is plugged into them. */
export interface Sockets {
  readonly db: Executor;
  readonly store: MemoryStore;
  readonly outbox: Outbox;
  readonly schedules: Schedules;
  readonly parked: ParkedJobs;
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
  const index = await openVectors(config, db);
  const models = await openModels(config, metrics);
  const bell = await openQueue(config, logger);
  return {
    db,
    store: createMemoryStore(db),
    outbox: createOutbox(db),
    schedules: createSchedules(db),
    parked: createParkedJobs(db),
    targets: createIndexTargets(db, { base: config.vectors.collection }),
    index,
    bell,
    models,
    chosen: chooseSockets(config),
    async close() {
      await bell.close();
      await index.close();
      await db.close();
    },
  };
}

/*
 * An adapter is imported only when its socket has it: each brings its library along, and an API on PostgreSQL has no use
 * for PGlite's, nor one without a provider for OpenAI's.
 */

export async function openTruth(config: Config, logger: Logger): Promise<Executor> {
  const { databaseUrl, poolSize, statementTimeoutMs } = config.truth;
  if (databaseUrl === undefined) {
    const { openPGlite } = await import("@engram/pglite");
    return openPGlite({ folder: config.dataDir });
  }
  return createPool({
    connectionString: databaseUrl,
    size: poolSize,
    statementTimeoutMs,
    onError: (err) => logger.warn({ err }, "Database connection lost"),
  });
}

async function openVectors(config: Config, db: Executor): Promise<VectorIndex> {
  const { qdrantUrl, qdrantApiKey, collection, timeoutMs } = config.vectors;
  if (qdrantUrl === undefined) {
    const { createPgvectorIndex } = await import("@engram/pgvector");
    return createPgvectorIndex(db);
  }
  const { createQdrantIndex } = await import("@engram/qdrant");
  return createQdrantIndex({
    url: qdrantUrl,
    alias: collection,
    timeoutMs,
    ...(qdrantApiKey === undefined ? {} : { apiKey: qdrantApiKey }),
  });
}

async function openQueue(config: Config, logger: Logger): Promise<Bell> {
  const onError = (err: unknown): void => logger.warn({ err }, "Queue trouble");
  if (config.queue.redisUrl === undefined) return createLocalBell({ onError });
  const { createBullMqBell } = await import("@engram/bullmq");
  return createBullMqBell({ url: config.queue.redisUrl, onError });
}

/** What an operator should mend about Redis; empty when nothing is, or when none is configured. */
export async function examineQueue(config: Config): Promise<readonly Problem[]> {
  if (config.queue.redisUrl === undefined) return [];
  const { redisProblems } = await import("@engram/bullmq");
  return redisProblems(config.queue.redisUrl);
}
