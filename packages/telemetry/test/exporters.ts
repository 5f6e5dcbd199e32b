import { createMetrics } from "../src/index.ts";

/** Labels that a metric may have, by its name as it is on the page (of a histogram: `_bucket`, `_sum`, `_count`). */
export type KnownMetrics = ReadonlyMap<string, ReadonlySet<string>>;

/** Added by Prometheus to whatever it reads; a label `job` of our own becomes `exported_job`. */
const SCRAPED = ["job", "instance"];

/**
 * What comes from elsewhere, with the labels that rules and dashboards may use: Prometheus itself, Qdrant 1.19's `/metrics`,
 * postgres_exporter 0.16, redis_exporter 1.67, node_exporter 1.9, and engram_backup.prom of infra/backup.
 */
const OTHERS: Record<string, readonly string[]> = {
  up: [],
  ALERTS: ["alertname", "alertstate", "severity"],

  collections_vector_total: [],
  memory_resident_bytes: [],
  memory_active_bytes: [],
  rest_responses_total: ["method", "endpoint", "status"],
  rest_responses_duration_seconds_bucket: ["method", "endpoint", "status", "le"],

  pg_up: [],
  pg_database_size_bytes: ["datname"],
  pg_settings_max_connections: [],
  pg_stat_database_numbackends: ["datname"],
  pg_stat_database_xact_commit: ["datname"],
  pg_stat_database_xact_rollback: ["datname"],
  pg_stat_user_tables_n_dead_tup: ["datname", "schemaname", "relname"],

  redis_up: [],
  redis_memory_used_bytes: [],
  redis_memory_max_bytes: [],
  redis_commands_processed_total: [],

  node_filesystem_avail_bytes: ["device", "fstype", "mountpoint"],
  node_filesystem_size_bytes: ["device", "fstype", "mountpoint"],
  node_memory_MemAvailable_bytes: [],
  node_memory_MemTotal_bytes: [],
  node_cpu_seconds_total: ["cpu", "mode"],

  engram_backup_last_result: [],
  engram_backup_last_success_timestamp_seconds: [],
  engram_backup_last_size_bytes: [],
};

/** Every metric that a process of ours registers, and the others. */
export function knownMetrics(): KnownMetrics {
  const known = new Map(Object.entries(OTHERS).map(([name, labels]) => [name, new Set([...SCRAPED, ...labels])]));
  for (const metric of createMetrics({ version: "0" }).registry.getMetricsAsArray()) {
    const own = "labelNames" in metric ? (metric.labelNames as readonly string[]) : [];
    const labels = [...SCRAPED, ...own.map((label) => (label === "job" ? "exported_job" : label))];
    if (String(metric.type) !== "histogram") known.set(metric.name, new Set(labels));
    else {
      known.set(`${metric.name}_bucket`, new Set([...labels, "le"]));
      for (const part of ["sum", "count"]) known.set(`${metric.name}_${part}`, new Set(labels));
    }
  }
  return known;
}
