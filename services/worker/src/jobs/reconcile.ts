import type { Config } from "@engram/config";
import {
  DIFFERENCE_KINDS,
  RECONCILE,
  reconcileStatus,
  reconcileStep,
  toReconcileRun,
  type ReconcileDeps,
  type ScheduledJob,
  type Schedules,
} from "@engram/memory";
import type { Sockets } from "@engram/sockets";
import type { Logger, Metrics } from "@engram/telemetry";

export interface ReconcileJobDeps {
  readonly sockets: Pick<Sockets, "rows" | "index" | "targets">;
  readonly config: Pick<Config, "reconcile" | "vectors">;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const HOUR_SECONDS = 3_600;
/** A century: as good as never, and a time that every database can tell. */
const NEVER_SECONDS = 3_155_760_000;

/**
 * The job "reconcile": compares every index with the rows. Safe to repeat: it only makes work rows, and what has one is
 * left alone; `converge` does the rest.
 */
export function createReconcileJob({ sockets, config, logger, metrics }: ReconcileJobDeps): ScheduledJob {
  const { everyHours } = config.reconcile;
  const isOff = everyHours === 0;
  const deps: ReconcileDeps = {
    rows: sockets.rows,
    index: sockets.index,
    targets: sockets.targets,
    base: config.vectors.collection,
    onCompared: (compared) => metrics.reconcileRows.inc(compared),
    onRewound: (version) => tellRewound(logger, version),
  };
  return {
    name: RECONCILE,
    everySeconds: isOff ? NEVER_SECONDS : everyHours * HOUR_SECONDS,
    async step(state, budget) {
      // The clock of a time before it was switched off.
      if (isOff && toReconcileRun(state) === undefined)
        return { done: false, state: null, nextInSeconds: NEVER_SECONDS };
      return reconcileStep(deps, state, budget);
    },
  };
}

export function tellRewound(logger: Logger, version: number): void {
  logger.warn({ version }, "The database is older than its index: versions go on from beyond the index's");
}

/** Shows what came of the last run, whichever worker ended it, so that all of them tell the same. */
export async function showReconcile(schedules: Schedules, metrics: Metrics): Promise<void> {
  const { last } = reconcileStatus(await schedules.get(RECONCILE));
  if (last === undefined) return;
  metrics.reconcileLastFinished.set(last.finished_at.getTime() / 1000);
  metrics.reconcileDifferences.reset();
  for (const [target, report] of Object.entries(last.targets))
    for (const kind of DIFFERENCE_KINDS) metrics.reconcileDifferences.set({ target, kind }, report[kind]);
}
