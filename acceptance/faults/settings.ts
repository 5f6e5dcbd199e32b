/*
 * Every time of the protocol, shortened so that minutes hold what happens in months. They hang together: a frozen
 * process must outlast its lease, and the horizon must outlast everything that an abandoned request may still do.
 */

export const LEASE_SECONDS = 3;
/** Of a process that is stopped in its tracks, in milliseconds: longer than the lease. */
export const FREEZE_MS = { min: 3_500, max: 5_000 } as const;
/** How late an effect may come whose connection was reset, in milliseconds. */
export const LATE_MS = { min: 300, max: 2_500 } as const;
/** Of a Qdrant that is stopped in its tracks. */
export const QDRANT_FREEZE_MS = { min: 800, max: 2_000 } as const;
const CALL_TIMEOUT_MS = 1_000;
/** More than a freeze (less the lease), a late effect, a frozen Qdrant and a slow network together. */
export const HORIZON_SECONDS = 12;
/** After quiet, beside the horizon: the back-off of what failed last, and the work itself. */
export const DRAIN_SECONDS = 60;

/** What every process gets, beside the addresses. Small batches, so that half of a lease suffices on a slow machine. */
export const ENVIRONMENT = {
  OUTBOX_LEASE_SECONDS: String(LEASE_SECONDS),
  OUTBOX_HORIZON_SECONDS: String(HORIZON_SECONDS),
  OUTBOX_POLL_MS: "200",
  OUTBOX_BATCH_SIZE: "16",
  WORKER_CONCURRENCY: "2",
  QDRANT_TIMEOUT_MS: String(CALL_TIMEOUT_MS),
  OPENAI_TIMEOUT_MS: String(CALL_TIMEOUT_MS),
  SEARCH_DEADLINE_MS: "700",
  DATABASE_STATEMENT_TIMEOUT_MS: "3000",
  // What the outbox leaves wrong must show, and not be mended before it is seen.
  RECONCILE_EVERY_HOURS: "0",
  EMBEDDING_MODEL: "text-embedding-3-small",
  // Fewer, and the stand-in's hashed features collide: then words that are nothing alike come near each other.
  EMBEDDING_DIMENSIONS: "256",
  LOG_LEVEL: "info",
} as const;
