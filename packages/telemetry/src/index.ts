export { readBackupStatus, writeBackupStatus, type BackupKind } from "./backup-status.ts";
export { errorFields, type ErrorFields } from "./error-fields.ts";
export { createLogger, type Logger, type LoggerOptions } from "./logger.ts";
export { createMetrics, type Metrics, type SearchOutcome } from "./metrics.ts";
export { serveMetrics, type InternalRoute, type MetricsServer, type MetricsServerOptions } from "./serve-metrics.ts";
