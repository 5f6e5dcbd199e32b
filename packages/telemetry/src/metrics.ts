import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/*
 * Every metric of Engram. A metric has a unit, and labels whose values are few and known: never an id, never a path
 * as it was asked for, only the route's pattern.
 */

/** HTTP answers, from a cached read to a batch of 16 MiB. */
const httpSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Calls to models and indexes, and the batches around them. */
const callSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** From the answer of a write to its being found by meaning: milliseconds, or hours where a provider was away. */
const searchableSeconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 86_400];
const sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256];

export type SearchOutcome = "ok" | "degraded" | "failed";

export type Metrics = ReturnType<typeof createMetrics>;

/** The metrics of one process, in a registry of their own, with those of Node and the process (`engram_process_…`). */
export function createMetrics({ version }: { version: string }) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "engram_" });
  dropMisnamed(registry);
  const registers = [registry];

  function counter<const Label extends string>(name: string, help: string, labelNames: readonly Label[]) {
    return new Counter({ name, help, labelNames, registers });
  }
  function gauge<const Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) {
    return new Gauge({ name, help, labelNames, registers });
  }
  /** Not on the page before it is set: 0 would be a statement. */
  function absentGauge(name: string, help: string) {
    const one = gauge(name, help);
    one.remove();
    return one;
  }
  function histogram<const Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    buckets: number[],
  ) {
    return new Histogram({ name, help, labelNames, buckets, registers });
  }

  const buildInfo = gauge("engram_build_info", "Always 1; the label tells the version.", ["version"]);
  buildInfo.set({ version }, 1);

  return {
    registry,
    buildInfo,

    httpRequestDuration: histogram(
      "engram_http_request_duration_seconds",
      "HTTP requests, from the first byte in to the last byte out.",
      ["method", "route", "status"],
      httpSeconds,
    ),
    httpRequestsInFlight: gauge("engram_http_requests_in_flight", "HTTP requests that are being answered."),

    writes: counter("engram_writes_total", "Writes of memories by operation and outcome.", ["operation", "outcome"]),
    putGroupSize: histogram("engram_put_group_size", "Memories that shared one commit.", [], sizes),

    outboxPending: gauge("engram_outbox_pending", "Work in the outbox that is due.", ["topic"]),
    outboxParked: gauge("engram_outbox_parked", "Work in the outbox that waits for somebody to look at it.", ["topic"]),
    outboxOldest: gauge("engram_outbox_oldest_seconds", "Age of the oldest work that is due; 0 when there is none.", [
      "topic",
    ]),

    rings: counter("engram_rings_total", "Rings of the bell that reached the queue (rung) or did not (lost).", [
      "outcome",
    ]),
    redisProblem: gauge("engram_redis_problem", "1 while the state of Redis holds; without Redis there are none.", [
      "problem",
    ]),
    consumersReplaced: counter("engram_queue_consumers_replaced_total", "Queue consumers that had stopped.", []),

    batches: counter("engram_batches_total", "Batches that a worker has finished.", ["topic", "outcome"]),
    batchDuration: histogram(
      "engram_batch_duration_seconds",
      "Batches, from claim to acknowledgement.",
      ["topic"],
      callSeconds,
    ),
    batchSize: histogram("engram_batch_size", "Memories in a batch.", ["topic"], sizes),
    searchable: histogram(
      "engram_searchable_seconds",
      "From the commit of a write to its being in the index.",
      [],
      searchableSeconds,
    ),

    providerCalls: counter("engram_provider_calls_total", "Calls to the provider of models.", [
      "operation",
      "model",
      "outcome",
    ]),
    providerTokens: counter("engram_provider_tokens_total", "Tokens that the provider has counted.", [
      "operation",
      "model",
    ]),
    providerDollars: counter("engram_provider_dollars_total", "What the calls cost, by the price table.", [
      "operation",
      "model",
    ]),
    providerCallDuration: histogram(
      "engram_provider_call_duration_seconds",
      "Calls to the provider.",
      ["operation"],
      callSeconds,
    ),

    extractions: counter("engram_extractions_total", "Batches of talk that were read.", ["outcome"]),
    extractedMessages: counter("engram_extracted_messages_total", "Messages that were extracted.", []),
    extractedFacts: counter("engram_extracted_facts_total", "Memories that extraction made or met again.", []),
    extractionDuration: histogram(
      "engram_extraction_duration_seconds",
      "Extractions, from claim to commit.",
      ["outcome"],
      callSeconds,
    ),

    scheduledSteps: counter("engram_scheduled_steps_total", "Steps of jobs that run by the clock.", ["job", "outcome"]),

    providerTurn: histogram(
      "engram_provider_turn_wait_seconds",
      "How long work waited for its turn at the provider, within its limits of requests and tokens per minute.",
      ["operation"],
      callSeconds,
    ),
    circuitState: gauge(
      "engram_circuit_state",
      "Whether calls are let through: 0 closed (all), 1 half open (one), 2 open (none).",
      ["socket", "use"],
    ),
    reconcileRows: counter("engram_reconcile_rows_total", "Memories that were compared with their points.", []),
    reconcileDifferences: gauge(
      "engram_reconcile_differences",
      "What the last comparison of the index with the memories found, without what was on its way already.",
      ["target", "kind"],
    ),
    reconcileLastFinished: gauge(
      "engram_reconcile_last_finished_timestamp_seconds",
      "When the last comparison of the index with the memories ended.",
    ),

    backupLastResult: absentGauge("engram_backup_last_result", "1 when the last backup went well, 0 when it failed."),
    backupLastSuccess: absentGauge("engram_backup_last_success_timestamp_seconds", "When a backup last went well."),
    backupLastSize: absentGauge("engram_backup_last_size_bytes", "Size of the database in the last backup."),
    drillLastResult: absentGauge(
      "engram_restore_drill_last_result",
      "1 when the last restore drill found the same answers, 0 when it did not.",
    ),
    drillLastSuccess: absentGauge(
      "engram_restore_drill_last_success_timestamp_seconds",
      "When a restore drill last went well.",
    ),

    searches: counter("engram_searches_total", "Searches by outcome: ok, degraded, failed.", ["outcome"]),
    searchDuration: histogram(
      "engram_search_duration_seconds",
      "Searches, all arms and the join.",
      ["outcome"],
      callSeconds,
    ),
    searchArmDuration: histogram(
      "engram_search_arm_duration_seconds",
      "One arm of a search: embedding, vectors, text, time.",
      ["arm", "outcome"],
      callSeconds,
    ),
    searchCacheLookups: counter(
      "engram_search_cache_lookups_total",
      "Searches by whether the user's memories were held for them: held, absent, beyond (of more than one user, or by what is not held).",
      ["outcome"],
    ),
    searchCacheUsers: gauge("engram_search_cache_users", "Users whose memories are held for searches."),
    searchCacheBytes: gauge("engram_search_cache_bytes", "What the memories that are held for searches take, roughly."),
  };
}

/** Gauges of prom-client that end in `_total`, which the naming rules keep for counters. */
function dropMisnamed(registry: Registry): void {
  for (const metric of registry.getMetricsAsArray()) {
    if (metric.name.endsWith("_total") && !(metric instanceof Counter)) registry.removeSingleMetric(metric.name);
  }
}
