import type { Config } from "@engram/config";
import { ensureScheduled, runScheduled, type ScheduledJob, type ScheduledStep } from "@engram/memory";
import type { Sockets } from "@engram/sockets";
import type { Logger, Metrics } from "@engram/telemetry";
import { createEraseJob } from "./erase.ts";
import { createReconcileJob } from "./reconcile.ts";
import { createReindexJob } from "./reindex.ts";
import { createRetentionJob, createSessionsJob } from "./retention.ts";
import { createSweepJob } from "./sweep.ts";

export interface ScheduledJobsDeps {
  readonly sockets: Sockets;
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Every job that runs by the clock, and how a worker runs what is due of them. */
export function createScheduledJobs(
  deps: ScheduledJobsDeps,
  stop: AbortSignal,
): { ensure(): Promise<void>; run(): Promise<void> } {
  const { sockets, config } = deps;
  const jobs: readonly ScheduledJob[] = [
    createSweepJob(sockets),
    createSessionsJob(sockets.store, config),
    createRetentionJob(sockets.store, config),
    createReindexJob(deps),
    createReconcileJob(deps),
    createEraseJob(deps),
  ];
  return {
    ensure: () => ensureScheduled(sockets, jobs),
    async run() {
      while (!stop.aborted) {
        const step = await runScheduled(sockets, jobs, config.outbox, stop);
        if (step === undefined) return;
        tell(deps, step);
      }
    },
  };
}

function tell({ logger, metrics }: ScheduledJobsDeps, { name, outcome, seconds, result, error }: ScheduledStep): void {
  metrics.scheduledSteps.inc({ job: name, outcome });
  const fields = { job: name, outcome, durationMs: Math.round(seconds * 1000) };
  if (outcome === "failed") logger.warn({ ...fields, code: error?.code, err: error }, "Scheduled job failed");
  else if (outcome === "done") logger.info({ ...fields, result }, "Scheduled job done");
  else logger.debug(fields, "Scheduled job goes on");
}
