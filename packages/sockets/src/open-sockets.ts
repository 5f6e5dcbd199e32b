import type { Config } from "@engram/config";
import type {
  Bell,
  Conversations,
  Erasures,
  Extractions,
  IndexableRows,
  IndexTargets,
  KeptAnswers,
  Ledger,
  MemoryStore,
  Outbox,
  ParkedJobs,
  Schedules,
  SearchableRows,
  Users,
  VectorIndex,
} from "@engram/memory";
import {
  createConversations,
  createErasures,
  createExtractions,
  createIndexableRows,
  createIndexTargets,
  createKeptAnswers,
  createLedger,
  createMemoryStore,
  createOutbox,
  createParkedJobs,
  createPool,
  createSchedules,
  createSearchableRows,
  createUsers,
} from "@engram/postgres";
import type { Executor } from "@engram/sql";
import type { Logger, Metrics } from "@engram/telemetry";
import { Circuits } from "./circuits.ts";
import { guardIndex } from "./guard.ts";
import { openModels, type OpenModels } from "./open-models.ts";
import { openQueue } from "./open-queue.ts";
import { tellDatabaseProblem, type Readiness } from "./readiness.ts";
import { createSpending, type Spending } from "./spending.ts";
import { pricing, unpricedProblem } from "./unpriced-models.ts";
import { createWorkGates, type WorkGate } from "./work-gate.ts";

/** The four sockets with what is plugged into them. */
export interface Sockets {
  readonly db: Executor;
  readonly store: MemoryStore;
  readonly rows: IndexableRows;
  readonly answers: KeptAnswers;
  readonly users: Users;
  readonly erasures: Erasures;
  readonly conversations: Conversations;
  readonly extractions: Extractions;
  readonly outbox: Outbox;
  readonly schedules: Schedules;
  readonly parked: ParkedJobs;
  readonly targets: IndexTargets;
  /** For work and operators. */
  readonly index: VectorIndex;
  /** The same for searches, which are not held up by what holds up work. */
  readonly searchIndex: VectorIndex;
  /** The truth as searches hold it in memory. */
  readonly searchable: SearchableRows;
  readonly bell: Bell;
  readonly models: OpenModels;
  readonly ledger: Ledger;
  readonly spending: Spending;
  readonly circuits: Pick<Circuits, "problems" | "isWhole">;
  /** To be asked before work of a target is claimed. */
  readonly workGate: WorkGate;
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
  { logger, metrics, readiness }: { logger: Logger; metrics: Metrics; readiness?: Readiness },
): Promise<Sockets> {
  const db = await openTruth(config, logger, readiness);
  const circuits = new Circuits({ logger, metrics });
  const vectors = await openVectors(config, db, circuits);
  const ledger = createLedger(db, { onError: (err) => logger.warn({ err }, "The ledger cannot be written") });
  const isPriced = await pricing(config);
  const unpriced = unpricedProblem(config, isPriced);
  if (unpriced !== undefined) {
    const { code, cure, message } = unpriced;
    logger.warn({ code, cure }, message);
    readiness?.report(code, unpriced);
  }
  const spending = createSpending(ledger, { dollarsPerDay: config.models.dollarsPerDay, isPriced });
  const models = await openModels(config, { db, ledger, circuits, logger, metrics });
  const bell = await openQueue(config, { logger, metrics, readiness });
  return {
    db,
    store: createMemoryStore(db),
    rows: createIndexableRows(db),
    answers: createKeptAnswers(db),
    users: createUsers(db),
    erasures: createErasures(db),
    conversations: createConversations(db, config.extraction),
    extractions: createExtractions(db),
    outbox: createOutbox(db),
    schedules: createSchedules(db),
    parked: createParkedJobs(db),
    targets: createIndexTargets(db, { base: config.vectors.collection }),
    index: vectors.index,
    searchIndex: vectors.searchIndex,
    searchable: createSearchableRows(db),
    bell,
    models,
    ledger,
    spending,
    circuits,
    workGate: createWorkGates((target) => models.openEmbedderOf(target), vectors.circuit, spending),
    chosen: chooseSockets(config),
    async close() {
      circuits.close();
      await models.close();
      await ledger.close();
      await bell.close();
      await vectors.index.close();
      await db.close();
    },
  };
}

/*
 * An adapter is imported only when its socket has it: each brings its library along, and an API on PostgreSQL has no use
 * for PGlite's, nor one without a provider for OpenAI's.
 */

export async function openTruth(config: Config, logger: Logger, readiness?: Readiness): Promise<Executor> {
  const { databaseUrl, databaseVariable, poolSize, statementTimeoutMs } = config.truth;
  if (databaseUrl === undefined) {
    const { openPGlite } = await import("@engram/pglite");
    return openPGlite({
      folder: config.dataDir,
      onError: (err) => logger.warn({ err }, "The embedded database cannot be vacuumed"),
    });
  }
  return createPool({
    connectionString: databaseUrl,
    variable: databaseVariable,
    size: poolSize,
    statementTimeoutMs,
    onError: (err) => logger.warn({ err }, "Database connection lost"),
    onAway: (cause) => tellDatabaseProblem(cause, { logger, readiness, truth: config.truth }),
    onBack() {
      logger.info("Database is back");
      readiness?.clear("truth");
    },
  });
}

async function openVectors(config: Config, db: Executor, circuits: Circuits) {
  const { qdrantUrl, qdrantApiKey, collection, timeoutMs } = config.vectors;
  if (qdrantUrl === undefined) {
    // In the truth's own database: where that is away, nothing can be done in any case.
    const { createPgvectorIndex } = await import("@engram/pgvector");
    // Nobody but Engram reads an embedded database.
    const options = config.truth.databaseUrl === undefined ? {} : { publishAs: collection };
    const index = createPgvectorIndex(db, options);
    return { index, searchIndex: index, circuit: undefined };
  }
  const { createQdrantIndex } = await import("@engram/qdrant");
  const index = createQdrantIndex({
    url: qdrantUrl,
    alias: collection,
    timeoutMs,
    ...(qdrantApiKey === undefined ? {} : { apiKey: qdrantApiKey }),
  });
  const probe = (signal: AbortSignal): Promise<void> => index.ping(signal);
  const circuit = circuits.create("vectors", "work", { probe, probeTimeoutMs: timeoutMs });
  const searchCircuit = circuits.create("vectors", "search", { probe, probeTimeoutMs: config.search.deadlineMs });
  return { index: guardIndex(index, circuit), searchIndex: guardIndex(index, searchCircuit), circuit };
}
