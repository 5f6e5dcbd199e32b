/*
 * Every variable, once: its text, its default, its schema. The zod descriptions, `.env.example` and
 * `docs/configuration.md` are made from this table (`node scripts/write-config-docs.mjs`).
 */
import type { z } from "zod";
import {
  address,
  collection,
  daysBy,
  dollars,
  duration,
  flag,
  host,
  languages,
  oneOf,
  origins,
  port,
  prices,
  secret,
  secrets,
  text,
  wholeNumber,
} from "./values.ts";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The headings under which the variables are shown, in this order. */
export const SUBJECTS = [
  "door",
  "truth",
  "vectors",
  "queue",
  "models",
  "outbox and worker",
  "search",
  "telemetry",
  "service",
] as const;
export type Subject = (typeof SUBJECTS)[number];

/** What is known of one variable. */
export interface Variable {
  readonly subject: Subject;
  readonly description: string;
  /** A value that would be right. */
  readonly example: string;
  /** As it would be written; undefined: unset means something of its own, which the description tells. */
  readonly default?: string;
  /** A secret, or an address that may hold one: `NAME_FILE` may name a file that holds the value. */
  readonly secret?: true;
  /** An empty file means none, as an empty value does, and is no fault: without this one there is another way to work. */
  readonly fileMayBeEmpty?: true;
  /** From the text that is set to the value. */
  readonly schema: z.ZodType<unknown, string>;
}

/** One day: longer than that is a mistake in the unit. */
const dayMs = 86_400_000;
const daySeconds = 86_400;
const yearHours = 8_760;

/** No outbox is worked off from there. */
const backlogMax = 1_000_000_000;

const timeout = wholeNumber({ min: 1, max: dayMs });

export const VARIABLES = {
  MEM0_HOST: {
    subject: "door",
    description: "The address that the API listens on. The images set 0.0.0.0.",
    default: "127.0.0.1",
    example: "0.0.0.0",
    schema: host,
  },
  MEM0_PORT: {
    subject: "door",
    description: "The port of the API. Unset: PORT.",
    example: "3456",
    schema: port,
  },
  PORT: {
    subject: "door",
    description: "The port of the API where the platform gives one (Render, Heroku). MEM0_PORT wins over it.",
    default: "3456",
    example: "3456",
    schema: port,
  },
  MEM0_API_KEY: {
    subject: "door",
    description:
      "The keys that clients may use, with commas between them. Unset: one is made at the first start and kept in DATA_DIR/api-key.",
    example: "a-long-random-key,another-one",
    secret: true,
    schema: secrets,
  },
  CORS_ORIGINS: {
    subject: "door",
    description:
      "The web pages that may call the API from a browser, with commas between them; * for all. Unset: none.",
    example: "https://app.example.com,http://localhost:5173",
    schema: origins,
  },

  MEM0_DATABASE_URL: {
    subject: "truth",
    description: "Like DATABASE_URL, and wins over it: for platforms that set DATABASE_URL to another database.",
    example: "postgresql://postgres:secret@db.example.com:5432/mem0",
    secret: true,
    schema: address("postgres", "postgresql"),
  },
  DATABASE_URL: {
    subject: "truth",
    description:
      "The PostgreSQL (14 or newer) that holds the memories. Special characters of the password are written as %XX. Unset: an embedded database (PGlite) in DATA_DIR.",
    example: "postgresql://postgres:secret@localhost:5432/mem0",
    secret: true,
    schema: address("postgres", "postgresql"),
  },
  DATABASE_POOL_SIZE: {
    subject: "truth",
    description: "The connections to PostgreSQL that each process opens at most.",
    default: "10",
    example: "20",
    schema: wholeNumber({ min: 2, max: 1_000 }),
  },
  DATABASE_STATEMENT_TIMEOUT_MS: {
    subject: "truth",
    description:
      "How long one statement may take, in milliseconds; longer ones are given up. Migrations are not limited.",
    default: "15000",
    example: "30000",
    schema: timeout,
  },

  QDRANT_URL: {
    subject: "vectors",
    description:
      "The Qdrant that indexes the memories; without a port, 6333 is taken. Unset: vectors are kept in the database, by pgvector.",
    example: "http://localhost:6333",
    secret: true,
    schema: address("http", "https"),
  },
  QDRANT_API_KEY: {
    subject: "vectors",
    description: "Qdrant's key, if it wants one.",
    example: "a-long-random-key",
    secret: true,
    schema: secret,
  },
  QDRANT_TIMEOUT_MS: {
    subject: "vectors",
    description: "How long one call to Qdrant may take, in milliseconds.",
    default: "10000",
    example: "5000",
    schema: timeout,
  },
  MEM0_COLLECTION_NAME: {
    subject: "vectors",
    description: "The name of the vectors: a table of the database in schema public, or an alias in Qdrant.",
    default: "mem0_memories",
    example: "mem0_memories",
    schema: collection,
  },
  MEM0_FORMER_EMBEDDING_MODEL: {
    subject: "vectors",
    description:
      "The model that embedded the rows which a former mem0 left in the table MEM0_COLLECTION_NAME. Where it is EMBEDDING_MODEL, they keep their vectors when they are taken over. Unset: they are embedded anew.",
    example: "text-embedding-3-small",
    schema: text,
  },

  REDIS_URL: {
    subject: "queue",
    description:
      "The Redis (with maxmemory-policy noeviction) that tells workers when there is work. Unset: workers look into the database by themselves.",
    example: "redis://localhost:6379",
    secret: true,
    schema: address("redis", "rediss"),
  },

  OPENAI_API_KEY: {
    subject: "models",
    description:
      "The key of OpenAI, or of the provider at OPENAI_BASE_URL. Both unset: embeddings are made without a provider, by words and parts of words.",
    example: "sk-your-openai-api-key",
    secret: true,
    fileMayBeEmpty: true,
    schema: secret,
  },
  OPENAI_BASE_URL: {
    subject: "models",
    description:
      "The address of another provider or a local server that speaks OpenAI's API. A local one needs no key. Unset: OpenAI's.",
    example: "http://localhost:11434/v1",
    schema: address("http", "https"),
  },
  LLM_MODEL: {
    subject: "models",
    description: "The model that reads conversations.",
    default: "gpt-4o-mini",
    example: "gpt-4o-mini",
    schema: text,
  },
  EMBEDDING_MODEL: {
    subject: "models",
    description:
      "The model that embeds memories and queries. After a change every memory is embedded anew; searches use the old model until that is done.",
    default: "text-embedding-3-small",
    example: "text-embedding-3-large",
    schema: text,
  },
  EMBEDDING_DIMENSIONS: {
    subject: "models",
    description: "The length of the vectors to ask for. Unset: what the model gives.",
    example: "512",
    schema: wholeNumber({ min: 1, max: 65_535 }),
  },
  OPENAI_TIMEOUT_MS: {
    subject: "models",
    description: "How long one call to the provider may take, in milliseconds.",
    default: "10000",
    example: "20000",
    schema: timeout,
  },
  OPENAI_REQUESTS_PER_MINUTE: {
    subject: "models",
    description:
      "The requests per minute that the provider allows for EMBEDDING_MODEL, which all processes together keep to. Queries of searches are never held back: work gives way to them. Unset: no limit but what the provider refuses.",
    example: "3000",
    schema: wholeNumber({ min: 1, max: 1_000_000_000 }),
  },
  OPENAI_TOKENS_PER_MINUTE: {
    subject: "models",
    description: "The tokens per minute that the provider allows for EMBEDDING_MODEL, like the above.",
    example: "1000000",
    schema: wholeNumber({ min: 1, max: 1_000_000_000_000 }),
  },
  LLM_TIMEOUT_MS: {
    subject: "models",
    description: "How long one call of LLM_MODEL may take, in milliseconds.",
    default: "60000",
    example: "120000",
    schema: timeout,
  },
  LLM_REQUESTS_PER_MINUTE: {
    subject: "models",
    description:
      "The requests per minute that the provider allows for LLM_MODEL, which the reading of conversations keeps to. Unset: no limit but what the provider refuses.",
    example: "500",
    schema: wholeNumber({ min: 1, max: 1_000_000_000 }),
  },
  LLM_TOKENS_PER_MINUTE: {
    subject: "models",
    description: "The tokens per minute that the provider allows for LLM_MODEL, like the above.",
    example: "200000",
    schema: wholeNumber({ min: 1, max: 1_000_000_000_000 }),
  },
  MODEL_PRICES: {
    subject: "models",
    description:
      "Dollars for a million tokens by model, as JSON: one number, or input and output. For what /api/stats says was spent. OpenAI's published prices are known, of releases with a date and of names with a gateway's prefix too.",
    example: '{"nomic-embed-text":0,"my-model":{"input":0.15,"output":0.6}}',
    schema: prices,
  },
  SPEND_LIMIT_DOLLARS_PER_DAY: {
    subject: "models",
    description:
      "What a project may spend in one day (UTC). Past it work waits for the next day: nothing is lost, words find what is not embedded yet, and searches go on. The models' prices must be known (MODEL_PRICES), else their work waits. Unset: no limit.",
    example: "5",
    schema: dollars,
  },

  OUTBOX_LEASE_SECONDS: {
    subject: "outbox and worker",
    description: "How long claimed work stays with its worker before another one may take it.",
    default: "60",
    example: "60",
    schema: wholeNumber({ min: 2, max: daySeconds }),
  },
  OUTBOX_HORIZON_SECONDS: {
    subject: "outbox and worker",
    description:
      "How long a write to the index whose end is unknown may still land; until then the work is looked at again.",
    default: "300",
    example: "300",
    schema: wholeNumber({ min: 2, max: daySeconds }),
  },
  OUTBOX_POLL_MS: {
    subject: "outbox and worker",
    description: "How often an idle worker looks for work, in milliseconds.",
    default: "250",
    example: "1000",
    schema: timeout,
  },
  OUTBOX_BATCH_SIZE: {
    subject: "outbox and worker",
    description: "How many memories are worked at once, with one call to the provider.",
    default: "64",
    example: "32",
    schema: wholeNumber({ min: 1, max: 1_000 }),
  },
  OUTBOX_ATTEMPTS_MAX: {
    subject: "outbox and worker",
    description:
      "How often a memory that fails alone is tried before it is parked. An absent provider or index never counts.",
    default: "8",
    example: "8",
    schema: wholeNumber({ min: 1, max: 1_000 }),
  },
  EXTRACTION_INSTRUCTIONS: {
    subject: "outbox and worker",
    description:
      "What to look for in conversations, in your own words, for calls that have no custom_instructions. It costs its tokens with each call.",
    example: "We sell bicycles: keep sizes, models and repairs.",
    schema: text,
  },
  EXTRACTION_INCLUDES: {
    subject: "outbox and worker",
    description: "Keep nothing but this of conversations, for calls that have no includes.",
    example: "preferences, health",
    schema: text,
  },
  EXTRACTION_EXCLUDES: {
    subject: "outbox and worker",
    description: "Never keep this of conversations, for calls that have no excludes.",
    example: "passwords, bank cards",
    schema: text,
  },
  SESSION_IDLE_TTL: {
    subject: "outbox and worker",
    description:
      "How long a session may idle before its own memories (level session) go: 24h, 30m, 7d. 0: only when the session ends. Lasting memories never go with it.",
    default: "24h",
    example: "2h",
    schema: duration,
  },
  RETENTION_DAYS: {
    subject: "outbox and worker",
    description:
      "How many days a memory is kept after it was last told. /api/retention/preview shows what would go. Unset: for good.",
    example: "730",
    schema: wholeNumber({ min: 1, max: 999_999 }),
  },
  RETENTION_DAYS_BY_TYPE: {
    subject: "outbox and worker",
    description: "The same for single types, which wins over the level's and over RETENTION_DAYS.",
    example: "interaction=90,pattern=365",
    schema: daysBy(),
  },
  RETENTION_DAYS_BY_LEVEL: {
    subject: "outbox and worker",
    description: "The same for the levels user, session and agent, which wins over RETENTION_DAYS.",
    example: "agent=180",
    schema: daysBy(["user", "session", "agent"]),
  },
  EXTRACTION_CONCURRENCY: {
    subject: "outbox and worker",
    description:
      "How many conversations each worker reads at once. They wait for the model most of the time, so there may be more of them than batches of embeddings.",
    default: "8",
    example: "2",
    schema: wholeNumber({ min: 1, max: 1_000 }),
  },
  EXTRACTION_DEBOUNCE_MS: {
    subject: "outbox and worker",
    description:
      "How long messages given to /api/memory/add wait for further ones of the same user, in milliseconds, so that one call of the model reads them all. Longer is cheaper; they are found by their words meanwhile.",
    default: "200",
    example: "30000",
    schema: wholeNumber({ min: 0, max: dayMs }),
  },
  BACKLOG_BULK_LIMIT: {
    subject: "outbox and worker",
    description:
      "How many memories may wait to be indexed before bulk writes are refused with 429. All that waits counts, a rebuild of the index too: bulk can be sent again later.",
    default: "100000",
    example: "20000",
    schema: wholeNumber({ min: 1, max: backlogMax }),
  },
  BACKLOG_LIMIT: {
    subject: "outbox and worker",
    description:
      "How many single writes may wait to be indexed before further ones are refused with 429. High on purpose: a million are a week without the provider at 100 writes a minute, and take about half a gigabyte. Reads, deletes, and updates that shorten a memory are never refused.",
    default: "1000000",
    example: "5000000",
    schema: wholeNumber({ min: 1, max: backlogMax }),
  },
  BACKLOG_BULK_AGE_LIMIT_SECONDS: {
    subject: "outbox and worker",
    description:
      "How old the oldest waiting work may be, in seconds, before bulk writes are refused with 429. Unset: no limit, since a provider may be away for days and nothing that was accepted is lost.",
    example: "3600",
    schema: wholeNumber({ min: 1, max: 365 * daySeconds }),
  },
  BACKLOG_AGE_LIMIT_SECONDS: {
    subject: "outbox and worker",
    description: "The same for single writes. Unset: no limit.",
    example: "86400",
    schema: wholeNumber({ min: 1, max: 365 * daySeconds }),
  },
  WORKER_CONCURRENCY: {
    subject: "outbox and worker",
    description: "How many batches one worker process has in hand at once.",
    default: "2",
    example: "4",
    schema: wholeNumber({ min: 1, max: 100 }),
  },

  REINDEX_KEEP_MINUTES: {
    subject: "outbox and worker",
    description:
      "After a change of the model: how long the old index is kept up to date beside the new one, so that going back costs nothing.",
    default: "60",
    example: "1440",
    schema: wholeNumber({ min: 0, max: 525_600 }),
  },

  RECONCILE_EVERY_HOURS: {
    subject: "outbox and worker",
    description:
      "How often the index is compared with the memories, in hours; also after a start, and when the index was away. 0: only by `engram reconcile`.",
    default: "24",
    example: "6",
    schema: wholeNumber({ min: 0, max: yearHours }),
  },

  SEARCH_LANGUAGES: {
    subject: "search",
    description:
      "Whose rules words are stemmed by, so that one form finds another; names of PostgreSQL's text search configurations. A change is made by `migrate` or at the next start, which writes the table of memories anew. Unset: those that the database has, russian and english at first. Words of other languages are found as they are written, and Chinese, Japanese, Korean and Thai by their signs.",
    example: "english,german,french",
    schema: languages,
  },
  SEARCH_DEADLINE_MS: {
    subject: "search",
    description:
      "How long a search waits for the embedding and the index, in milliseconds, before it answers by text and time alone (degraded).",
    default: "1500",
    example: "3000",
    schema: timeout,
  },
  SEARCH_CACHE_MB: {
    subject: "search",
    description:
      "What the API may take, in MiB, to hold the memories of the users who are asked about, which then are found several times sooner. It follows every change; least recently asked ones go first. 0: none are held. Unset: an eighth of the container's memory, or a sixteenth of the machine's, and 512 at most.",
    example: "256",
    schema: wholeNumber({ min: 0, max: 1_048_576 }),
  },
  RECALL_DEADLINE_MS: {
    subject: "search",
    description:
      "By how much memory may delay an answer of /api/chat and /v1/chat/completions, in milliseconds; after that the model answers without it. /api/chat waits as long for the exchange to be kept; after that the answer names no event, and it is kept later.",
    default: "1000",
    example: "500",
    schema: timeout,
  },

  METRICS_PORT: {
    subject: "telemetry",
    description:
      "The port of Prometheus metrics without a key, in every process; the next free one when it is taken. Never publish it.",
    default: "9464",
    example: "9464",
    schema: port,
  },
  METRICS_HOST: {
    subject: "telemetry",
    description:
      "The address that the metrics listen on. The images set 0.0.0.0, for a Prometheus on the same network.",
    default: "127.0.0.1",
    example: "0.0.0.0",
    schema: host,
  },
  LOG_LEVEL: {
    subject: "telemetry",
    description: `The least that is logged: ${LOG_LEVELS.join(", ")}.`,
    default: "info",
    example: "debug",
    schema: oneOf(LOG_LEVELS),
  },

  MEM0_ENABLED: {
    subject: "service",
    description: "0 switches the memory off: its routes answer 503 and say why.",
    default: "1",
    example: "0",
    schema: flag,
  },
  DATA_DIR: {
    subject: "service",
    description: "The folder of the embedded database and of the key that was made. The images set /app/data.",
    default: "./data",
    example: "/var/lib/engram",
    schema: text,
  },
  BACKUP_DIR: {
    subject: "service",
    description:
      "The folder of backups: `engram backup` writes there, and workers tell Prometheus how the last backup and the last drill there went (docs/backups.md). The compose file's is /opt/backups.",
    default: "./backups",
    example: "/opt/backups",
    schema: text,
  },
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof VARIABLES;

/** What the compose files fill in, beside the above; Engram itself does not read these. */
export const COMPOSE_VARIABLES = {
  POSTGRES_USER: { description: "The user of the database.", default: "postgres", example: "postgres" },
  POSTGRES_PASSWORD: {
    description:
      "The password of the database: letters and digits only, since it becomes part of an address. Must be set.",
    example: "a-long-random-password",
  },
  POSTGRES_DB: { description: "The name of the database.", default: "mem0", example: "mem0" },
  POSTGRES_SHARED_BUFFERS: {
    description:
      "The memory that PostgreSQL keeps pages in, a quarter of what its container has. The small profile takes 64MB. Wins over ALTER SYSTEM, as do the next three; `up -d` applies it.",
    default: "256MB",
    example: "1GB",
  },
  POSTGRES_EFFECTIVE_CACHE_SIZE: {
    description: "What PostgreSQL may count on to be cached. The small profile takes 192MB.",
    default: "512MB",
    example: "3GB",
  },
  POSTGRES_WORK_MEM: {
    description: "The memory of one sort or hash of one statement. The small profile takes 4MB.",
    default: "16MB",
    example: "32MB",
  },
  POSTGRES_MAINTENANCE_WORK_MEM: {
    description: "The memory of VACUUM and of building an index. The small profile takes 64MB.",
    default: "128MB",
    example: "512MB",
  },
  QDRANT_FILES_MAX: {
    description:
      "How many files Qdrant may have open. An engine that may not give as many (rootless, or in a container) refuses to start it.",
    default: "65536",
    example: "20000",
  },
  APP_NETWORK_EXTERNAL: {
    description:
      "Whether the network app-network was made by hand, which docker compose (v2) refuses otherwise; `setup.sh` finds out. It then stays when the stack goes.",
    default: "false",
    example: "true",
  },
  MEM0_IMAGE: {
    description: "The image of the API and the worker. It is built from here where it is not there.",
    default: "engram:local",
    example: "engram:1.0.0",
  },
  DOMAIN_NAME: {
    description:
      "The domain under which Caddy serves the API as mem0.DOMAIN_NAME, with a certificate of its own making for localhost.",
    default: "localhost",
    example: "example.com",
  },
  CADDYFILE: {
    description:
      "The file of infra/caddy that Caddy runs with. Caddyfile.lan: plain http under every address of this machine, for a LAN without a domain.",
    default: "Caddyfile",
    example: "Caddyfile.lan",
  },
  MEM0_ALLOWED_IPS: {
    description:
      "The addresses and networks that Caddy lets in, with spaces between them; others get 403. `up -d` applies it.",
    default: "0.0.0.0/0 ::/0",
    example: "192.168.1.0/24 10.0.0.0/8",
  },
  MEM0_UPSTREAM: {
    description:
      "The name and the port of the API that Caddy asks for it, with a blank between them; every address behind the name gets its share.",
    default: "mem0 3456",
    example: "mem0.internal 3456",
  },
  BACKUP_AT: {
    description: "When the backup of each day begins (`mem0-backup`), hours and minutes in the time zone TZ.",
    default: "02:00",
    example: "04:30",
  },
  KEEP_DAYS: {
    description:
      "How many days a backup is kept; older ones go after a run that went well. A cron line of your own wants it before the script.",
    default: "30",
    example: "14",
  },
  TZ: {
    description: "The time zone of the nightly backup: BACKUP_AT is meant there.",
    default: "UTC",
    example: "Europe/Moscow",
  },
  GRAFANA_PASSWORD: {
    description:
      "The password of Grafana's user admin, of the first start on; `setup.sh` makes one. Grafana (`--profile monitoring`) does not start without it.",
    example: "another-long-random-password",
  },
} as const satisfies Record<string, Pick<Variable, "description" | "default" | "example">>;
