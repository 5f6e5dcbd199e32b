import {
  ensureScheduled,
  runScheduled,
  type MemoryStore,
  type ScheduleDeps,
  type ScheduledJob,
  type ScheduledStep,
} from "@engram/memory";
import type { Logger, Metrics } from "@engram/telemetry";
import { createSweepJob } from "./sweep.ts";

export interface ScheduledJobsDeps extends ScheduleDeps {
  readonly store: MemoryStore;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Every job that runs by the clock, and how a worker runs what is due of them. */
export function createScheduledJobs(
  deps: ScheduledJobsDeps,
  options: { readonly leaseSeconds: number; readonly horizonSeconds: number },
  stop: AbortSignal,
): { ensure(): Promise<void>; run(): Promise<void> } {
  const jobs: readonly ScheduledJob[] = [createSweepJob(deps.store)];
  return {
    ensure: () => ensureScheduled(deps, jobs),
    async run() {
      while (!stop.aborted) {
        const step = await runScheduled(deps, jobs, options, stop);
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
