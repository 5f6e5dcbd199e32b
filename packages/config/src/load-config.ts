import { resolve } from "node:path";
import { z } from "zod";
import { ConfigError, type ConfigFault } from "./config-error.ts";
import type { Config } from "./config.ts";
import { readEnvironment, type Environment } from "./environment.ts";
import { VARIABLES, type Variable, type VariableName } from "./variables.ts";

const MIB = 2 ** 20;

type Values = {
  [Name in VariableName]: (typeof VARIABLES)[Name] extends { default: string }
    ? z.output<(typeof VARIABLES)[Name]["schema"]>
    : z.output<(typeof VARIABLES)[Name]["schema"]> | undefined;
};

/**
 * The configuration, from the environment and the `.env` of the working directory. Throws `ConfigError` with every
 * fault of it. The only reader of `process.env`; called once, by a `main.ts`.
 */
export function loadConfig(env: Environment = process.env, options: { cwd?: string } = {}): Config {
  const cwd = options.cwd ?? process.cwd();
  const { values, faults } = readEnvironment(env, cwd);
  const parsed = schema.safeParse(values);
  const found = [...faults, ...(parsed.error?.issues ?? []).map(toFault)];
  if (parsed.data === undefined || found.length > 0) throw new ConfigError(found);
  // The shape is made from the table, which the compiler cannot follow; `Values` says the same in types.
  return deepFreeze(arrange(parsed.data as Values, cwd));
}

const schema = z
  .object(Object.fromEntries(Object.entries<Variable>(VARIABLES).map(([name, variable]) => [name, toSchema(variable)])))
  .refine(isHorizonPastLease, {
    path: ["OUTBOX_HORIZON_SECONDS" satisfies VariableName],
    error: "must not be shorter than OUTBOX_LEASE_SECONDS",
    // Else zod leaves it out while another variable is at fault, and the operator learns of it one start later.
    when: () => true,
  });

function toSchema(variable: Variable) {
  const told = variable.schema.describe(`${variable.description} Example: ${variable.example}`);
  return variable.default === undefined ? told.optional() : told.prefault(variable.default);
}

function isHorizonPastLease(values: Record<string, unknown>): boolean {
  const { OUTBOX_HORIZON_SECONDS: horizon, OUTBOX_LEASE_SECONDS: lease } = values;
  return typeof horizon !== "number" || typeof lease !== "number" || horizon >= lease;
}

function toFault(issue: z.core.$ZodIssue): ConfigFault {
  const name = String(issue.path[0]);
  const example = Object.entries<Variable>(VARIABLES).find(([known]) => known === name)?.[1].example ?? "";
  return { variable: name, problem: issue.message, example: `${name}=${example}` };
}

function arrange(values: Values, cwd: string): Config {
  return {
    enabled: values.MEM0_ENABLED,
    dataDir: resolve(cwd, values.DATA_DIR),
    backupDir: resolve(cwd, values.BACKUP_DIR),
    door: {
      host: values.MEM0_HOST,
      port: values.MEM0_PORT ?? values.PORT,
      apiKeys: values.MEM0_API_KEY ?? [],
      corsOrigins: values.CORS_ORIGINS ?? [],
    },
    truth: {
      databaseUrl: values.MEM0_DATABASE_URL ?? values.DATABASE_URL,
      databaseVariable: values.MEM0_DATABASE_URL === undefined ? "DATABASE_URL" : "MEM0_DATABASE_URL",
      poolSize: values.DATABASE_POOL_SIZE,
      statementTimeoutMs: values.DATABASE_STATEMENT_TIMEOUT_MS,
    },
    vectors: {
      qdrantUrl: values.QDRANT_URL,
      qdrantApiKey: values.QDRANT_API_KEY,
      collection: values.MEM0_COLLECTION_NAME,
      formerModel: values.MEM0_FORMER_EMBEDDING_MODEL,
      timeoutMs: values.QDRANT_TIMEOUT_MS,
    },
    queue: { redisUrl: values.REDIS_URL },
    models: {
      openaiApiKey: values.OPENAI_API_KEY ?? (values.OPENAI_BASE_URL === undefined ? undefined : "none"),
      openaiBaseUrl: values.OPENAI_BASE_URL,
      llmModel: values.LLM_MODEL,
      llmTimeoutMs: values.LLM_TIMEOUT_MS,
      embeddingModel: values.EMBEDDING_MODEL,
      embeddingDimensions: values.EMBEDDING_DIMENSIONS,
      timeoutMs: values.OPENAI_TIMEOUT_MS,
      requestsPerMinute: values.OPENAI_REQUESTS_PER_MINUTE,
      tokensPerMinute: values.OPENAI_TOKENS_PER_MINUTE,
      llmRequestsPerMinute: values.LLM_REQUESTS_PER_MINUTE,
      llmTokensPerMinute: values.LLM_TOKENS_PER_MINUTE,
      prices: values.MODEL_PRICES ?? {},
      dollarsPerDay: values.SPEND_LIMIT_DOLLARS_PER_DAY,
    },
    outbox: {
      leaseSeconds: values.OUTBOX_LEASE_SECONDS,
      horizonSeconds: values.OUTBOX_HORIZON_SECONDS,
      pollMs: values.OUTBOX_POLL_MS,
      batchSize: values.OUTBOX_BATCH_SIZE,
      attemptsMax: values.OUTBOX_ATTEMPTS_MAX,
    },
    retention: {
      days: values.RETENTION_DAYS,
      daysByType: values.RETENTION_DAYS_BY_TYPE ?? {},
      daysByLevel: values.RETENTION_DAYS_BY_LEVEL ?? {},
      sessionIdleSeconds: values.SESSION_IDLE_TTL,
    },
    extraction: {
      debounceMs: values.EXTRACTION_DEBOUNCE_MS,
      concurrency: values.EXTRACTION_CONCURRENCY,
      wishes: {
        instructions: values.EXTRACTION_INSTRUCTIONS ?? null,
        includes: values.EXTRACTION_INCLUDES ?? null,
        excludes: values.EXTRACTION_EXCLUDES ?? null,
      },
    },
    backlog: {
      bulk: { pending: values.BACKLOG_BULK_LIMIT, ageSeconds: values.BACKLOG_BULK_AGE_LIMIT_SECONDS },
      single: { pending: values.BACKLOG_LIMIT, ageSeconds: values.BACKLOG_AGE_LIMIT_SECONDS },
    },
    worker: { concurrency: values.WORKER_CONCURRENCY },
    reindex: { keepMinutes: values.REINDEX_KEEP_MINUTES },
    reconcile: { everyHours: values.RECONCILE_EVERY_HOURS },
    search: {
      languages: values.SEARCH_LANGUAGES,
      deadlineMs: values.SEARCH_DEADLINE_MS,
      cacheBytes: values.SEARCH_CACHE_MB === undefined ? undefined : values.SEARCH_CACHE_MB * MIB,
    },
    recall: { deadlineMs: values.RECALL_DEADLINE_MS },
    telemetry: { metricsHost: values.METRICS_HOST, metricsPort: values.METRICS_PORT, logLevel: values.LOG_LEVEL },
  };
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === "object" && part !== null) deepFreeze(part);
  return Object.freeze(value);
}
