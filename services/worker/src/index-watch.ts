import type { Config } from "@engram/config";
import {
  catchUpVersions,
  newReconcileRun,
  RECONCILE,
  requestReconcile,
  toMemoryError,
  watchIndex,
  type IndexableRows,
  type IndexTargets,
  type Schedules,
  type VectorIndex,
} from "@engram/memory";
import type { Logger } from "@engram/telemetry";
import { tellRewound } from "./jobs/reconcile.ts";

export interface IndexWatchDeps {
  readonly index: VectorIndex;
  readonly rows: IndexableRows;
  readonly targets: IndexTargets;
  readonly schedules: Schedules;
  readonly logger: Logger;
}

export interface IndexWatch {
  /** The index to work with: what its calls tell is seen here. */
  readonly index: VectorIndex;
  /** Moves versions past those of the index; if they were behind, the database was restored and a run begins at once. */
  catchUp(stop: AbortSignal): Promise<void>;
  /** Asks the index whether it is there, and for a run of reconcile when one is wanted: since the start, since it was away. */
  look(stop: AbortSignal): Promise<void>;
}

/** Notices when an index may have lost something, and has it compared with the rows. */
export function createIndexWatch(
  { index, rows, targets, schedules, logger }: IndexWatchDeps,
  { reconcile, vectors }: Pick<Config, "reconcile" | "vectors">,
): IndexWatch {
  const isOff = reconcile.everyHours === 0;
  let wantedSince: Date | undefined = isOff ? undefined : new Date();
  const watched = watchIndex(index, (awaySince) => {
    logger.warn({ awaySince }, "The index answers again");
    if (!isOff) wantedSince = awaySince;
  });
  const deps = {
    rows,
    targets,
    index,
    base: vectors.collection,
    onRewound: (version: number) => tellRewound(logger, version),
  };

  return {
    index: watched,
    async catchUp(stop) {
      const isRewound = await catchUpVersions(deps, stop).catch((err: unknown) => {
        if (toMemoryError(err).code === "unavailable") throw err;
        // An index that cannot tell is worked with all the same; the run after the start reads every version.
        logger.warn({ err }, "The index does not tell its versions");
        return false;
      });
      if (isRewound && !isOff) await schedules.request(RECONCILE, newReconcileRun({ dryRun: false }));
    },
    async look(stop) {
      await watched.ping(stop).catch(() => undefined);
      const since = wantedSince;
      if (since === undefined || !(await requestReconcile(schedules, { since }))) return;
      // Not if it went away again in the meantime.
      if (wantedSince === since) wantedSince = undefined;
    },
  };
}
