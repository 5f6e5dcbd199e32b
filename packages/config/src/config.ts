import type { LogLevel } from "./variables.ts";

/** Everything that can be set, by subject; frozen. Durations carry their unit in the name. */
export interface Config {
  /** False: the memory's routes answer 503. */
  readonly enabled: boolean;
  /** Absolute. */
  readonly dataDir: string;
  /** Absolute. */
  readonly backupDir: string;
  readonly door: {
    readonly host: string;
    readonly port: number;
    /** Empty: `ensureApiKey` finds or makes one. */
    readonly apiKeys: readonly string[];
    /** Origins, or `*`; empty: none. */
    readonly corsOrigins: readonly string[];
  };
  readonly truth: {
    /** Undefined: the embedded database in `dataDir`. */
    readonly databaseUrl: string | undefined;
    /** Which variable gave it, for messages that name the setting. */
    readonly databaseVariable: "MEM0_DATABASE_URL" | "DATABASE_URL";
    readonly poolSize: number;
    readonly statementTimeoutMs: number;
  };
  readonly vectors: {
    /** Undefined: pgvector in the truth. */
    readonly qdrantUrl: string | undefined;
    readonly qdrantApiKey: string | undefined;
    readonly collection: string;
    /** What a former mem0 embedded its rows with. Undefined: nobody has said. */
    readonly formerModel: string | undefined;
    readonly timeoutMs: number;
  };
  readonly queue: {
    /** Undefined: workers look by themselves. */
    readonly redisUrl: string | undefined;
  };
  readonly models: {
    /** Undefined: no provider, the offline models. `none` for a server that needs no key. */
    readonly openaiApiKey: string | undefined;
    readonly openaiBaseUrl: string | undefined;
    readonly llmModel: string;
    readonly llmTimeoutMs: number;
    readonly embeddingModel: string;
    readonly embeddingDimensions: number | undefined;
    readonly timeoutMs: number;
    /** Undefined: no limit. */
    readonly requestsPerMinute: number | undefined;
    readonly tokensPerMinute: number | undefined;
    /** Of LLM_MODEL. Undefined: no limit. */
    readonly llmRequestsPerMinute: number | undefined;
    readonly llmTokensPerMinute: number | undefined;
    /** Dollars for a million tokens, by model; wins over what is published. */
    readonly prices: Readonly<Record<string, { readonly input: number; readonly output: number }>>;
    /** Undefined: no limit. */
    readonly dollarsPerDay: number | undefined;
  };
  readonly outbox: {
    readonly leaseSeconds: number;
    readonly horizonSeconds: number;
    readonly pollMs: number;
    readonly batchSize: number;
    readonly attemptsMax: number;
  };
  /** What goes by itself. */
  readonly retention: {
    readonly days: number | undefined;
    readonly daysByType: Readonly<Record<string, number>>;
    readonly daysByLevel: Readonly<Record<string, number>>;
    /** 0: never. */
    readonly sessionIdleSeconds: number;
  };
  readonly extraction: {
    /** How long talk waits for more of it, to be read by the same call. */
    readonly debounceMs: number;
    /** Conversations that each worker reads at once. */
    readonly concurrency: number;
    /** What a call asks of the model where it has no wishes of its own. */
    readonly wishes: {
      readonly instructions: string | null;
      readonly includes: string | null;
      readonly excludes: string | null;
    };
  };
  /** Past these, bulk writes and then single ones are refused until the workers have caught up. */
  readonly backlog: {
    readonly bulk: BacklogLimit;
    readonly single: BacklogLimit;
  };
  readonly worker: {
    /** Batches in hand at once, per process. */
    readonly concurrency: number;
  };
  readonly reindex: {
    /** How long a replaced index is followed. */
    readonly keepMinutes: number;
  };
  readonly reconcile: {
    /** 0: only when asked for. */
    readonly everyHours: number;
  };
  readonly search: {
    /** Undefined: those that the database has. */
    readonly languages: readonly string[] | undefined;
    readonly deadlineMs: number;
    /** Of the memories that are held for searches. 0: none; undefined: by what the process may use. */
    readonly cacheBytes: number | undefined;
  };
  readonly recall: {
    /** After this a chat goes on without memory. */
    readonly deadlineMs: number;
  };
  readonly telemetry: {
    readonly metricsHost: string;
    readonly metricsPort: number;
    readonly logLevel: LogLevel;
  };
}

export interface BacklogLimit {
  /** Memories that wait to be indexed. */
  readonly pending: number;
  /** Of the oldest of them. Undefined: no limit. */
  readonly ageSeconds: number | undefined;
}
