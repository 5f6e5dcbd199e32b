import type { Config } from "@engram/config";
import { countDifferences, indexTopic, MemoryError, startReconcile } from "@engram/memory";
import { openSockets, Readiness } from "@engram/sockets";
import { createLogger, createMetrics } from "@engram/telemetry";
import { startWorker } from "@engram/worker";
import { followReconcile, waitForWork } from "./follow-reconcile.ts";

/** Longer than the longest back-off of a provider that is away. */
const PATIENCE_MS = 120_000;
/** What is left after so many rounds does not go away by itself. */
const ROUNDS_MAX = 5;

/**
 * Compares the index with the memories and mends it, with a worker of this process, until a comparison finds nothing.
 * Throws `unavailable` where it cannot: the memories are there all the same, and the next start goes on with it.
 */
export async function reconcileAlone(config: Config): Promise<void> {
  const logger = createLogger({ level: "silent", name: "restore" });
  const metrics = createMetrics({ version: "cli" });
  const sockets = await openSockets(config, { logger, metrics });
  const worker = startWorker({ sockets, config, logger, metrics, readiness: new Readiness(config) });
  const stop = new AbortController().signal;
  try {
    await worker.prepared;
    for (let round = 1; round <= ROUNDS_MAX; round++) {
      const run = await startReconcile(sockets.schedules, { dryRun: false });
      const ignore = (): undefined => undefined;
      const report = await followReconcile(
        {
          schedules: sockets.schedules,
          work: () => Promise.resolve(),
          patienceMs: PATIENCE_MS,
          onProgress: ignore,
          onNote: ignore,
          stop,
        },
        run,
      );
      const pending = Object.values(report.targets).reduce((sum, one) => sum + one.pending, 0);
      if (countDifferences(report) === 0 && pending === 0) return;
      const topics = Object.keys(report.targets).map(indexTopic);
      const isWorked = await waitForWork(() => sockets.outbox.depth(), topics, { patienceMs: PATIENCE_MS, stop });
      if (!isWorked) break;
    }
  } finally {
    await worker.stop();
    await sockets.close();
  }
  throw new MemoryError("unavailable", "The index does not agree yet: the next start goes on with it");
}
