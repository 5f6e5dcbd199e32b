import { join } from "node:path";
import { stderr } from "node:process";
import { ConfigError, loadConfig, type Config } from "@engram/config";
import { countDifferences, indexTopic, MemoryError, startReconcile, type ReconcileReport } from "@engram/memory";
import { pendingMigrations } from "@engram/postgres";
import { growHeapByUse, openSockets, type Sockets } from "@engram/sockets";
import { createLogger, createMetrics } from "@engram/telemetry";
import { createScheduledJobs } from "@engram/worker";
import { followReconcile, waitForWork } from "./follow-reconcile.ts";
import { describeReport, LINES, ONE_LINE, SILENT, touchedIn } from "./reconcile-output.ts";

export interface ReconcileOptions {
  readonly dryRun?: true;
  readonly json?: true;
  readonly wait?: true;
}

/** A worker looks every second; an embedded database is ours alone. */
const PATIENCE_MS = 3_000;
/** Longer than the longest back-off of a provider that is away. */
const WORK_PATIENCE_MS = 120_000;
/** What is left after so many rounds does not go away by itself. */
const ROUNDS_MAX = 5;

/**
 * `engram reconcile`: compares the index with the memories. Exit code 0: nothing differs, or all that does was handed to
 * the workers (`--wait`: and they have mended it). 2: a dry run has found differences. 1: it could not be done.
 */
export async function reconcile(options: ReconcileOptions): Promise<void> {
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopping.abort());
  try {
    growHeapByUse(); // pages of rows and points are garbage a moment later
    const config = loadConfig();
    const logger = createLogger({ level: "silent", name: "reconcile" });
    const metrics = createMetrics({ version: "cli" });
    const sockets = await openSockets(config, { logger, metrics }).catch((error: unknown) => {
      throw withWayRound(error, config);
    });
    try {
      const scheduled = createScheduledJobs({ sockets, config, logger, metrics }, stopping.signal);
      process.exitCode = await run(sockets, options, () => scheduled.run(), stopping.signal);
    } finally {
      await sockets.close();
    }
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof MemoryError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

async function run(
  sockets: Sockets,
  options: ReconcileOptions,
  work: () => Promise<void>,
  stop: AbortSignal,
): Promise<number> {
  const missing = await pendingMigrations(sockets.db);
  if (missing.length > 0)
    throw new MemoryError("unavailable", `The schema lacks ${missing.join(", ")}: run engram migrate`);
  const show = options.json === true ? SILENT : stderr.isTTY ? ONE_LINE : LINES;
  const patienceMs = sockets.chosen.truth === "pglite" ? 0 : PATIENCE_MS;
  const follow = { schedules: sockets.schedules, work, patienceMs, onProgress: show.progress, onNote: show.note, stop };

  for (let round = 1; ; round++) {
    const run = await startReconcile(sockets.schedules, { dryRun: options.dryRun === true });
    const report = await followReconcile(follow, run);
    show.end();
    const code = codeOf(report);
    const isDone = options.wait !== true || report.dry_run || code !== 0 || round >= ROUNDS_MAX;
    if (isDone || touchedIn(report) === 0) {
      console.log(options.json === true ? JSON.stringify(report) : describeReport(report));
      return options.wait === true && touchedIn(report) > 0 ? 1 : code;
    }
    show.note(`${touchedIn(report)} differences handed to the workers: waiting for them`);
    const topics = Object.keys(report.targets).map(indexTopic);
    if (!(await waitForWork(() => sockets.outbox.depth(), topics, { patienceMs: WORK_PATIENCE_MS, stop })))
      throw new MemoryError("unavailable", "No worker does the work: start one (npm start), or see its log");
  }
}

function codeOf(report: ReconcileReport): number {
  if (report.dry_run) return countDifferences(report) > 0 ? 2 : 0;
  return Object.values(report.targets).some((target) => target.wrong_dimension > 0) ? 1 : 0;
}

/** The embedded database belongs to one process; a running one can be asked over HTTP. */
function withWayRound(error: unknown, { truth, door, dataDir }: Config): unknown {
  if (truth.databaseUrl !== undefined || !(error instanceof MemoryError) || error.code !== "unavailable") return error;
  const host = ["0.0.0.0", "::"].includes(door.host) ? "127.0.0.1" : door.host;
  const key = door.apiKeys.length > 0 ? "$MEM0_API_KEY" : `$(cat ${join(dataDir, "api-key")})`;
  const call = `curl -X POST http://${host}:${door.port}/api/jobs/reconcile -H "Authorization: Bearer ${key}"`;
  return new MemoryError("unavailable", `${error.message}\nOr ask that process:\n  ${call}`, { cause: error });
}
