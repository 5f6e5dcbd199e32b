import { RECONCILE, reconcileStep, reindexStep, type ReindexPhase, type ScheduledJob } from "@engram/memory";
import { BASE, NEW_MODEL, type Parts } from "./world.ts";

/** Rows and points of one page: a few of them have a middle. */
const PAGE_SIZE = 2;
/** Past a look of the workers, and soon over. */
const KEEP_SECONDS = 100;
const EVERY_SECONDS = 30;
const NEVER_SECONDS = 1e9;

/** After these a reindex has nothing to do until its period is over. */
const IS_OVER: ReadonlySet<ReindexPhase["phase"]> = new Set(["idle", "switched", "retired"]);

export const REINDEX = "reindex";

/** The jobs that run by the clock, as the worker has them; each step does as little as it can, so that there are many. */
export function scheduledJobs({ rows, index, targets, store, embedderOf }: Parts): readonly ScheduledJob[] {
  const reconcile = { rows, index, targets, base: BASE, pageSize: PAGE_SIZE };
  const reindex = {
    targets,
    rows,
    index,
    store,
    embedder: embedderOf(NEW_MODEL),
    base: BASE,
    keepSeconds: KEEP_SECONDS,
    pageSize: PAGE_SIZE,
  };
  return [
    {
      name: RECONCILE,
      everySeconds: NEVER_SECONDS,
      step: (state, { signal }) => reconcileStep(reconcile, state, { signal, spent: () => true }),
    },
    {
      name: REINDEX,
      everySeconds: EVERY_SECONDS,
      async step(before, { signal }) {
        let looks = 0;
        const state = await reindexStep(reindex, before, { signal, spent: () => looks++ > 0 });
        if (IS_OVER.has(state.phase.phase)) return { done: true, result: state.phase };
        return { done: false, state, nextInSeconds: EVERY_SECONDS };
      },
    },
  ];
}
