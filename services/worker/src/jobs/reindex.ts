import type { Config } from "@engram/config";
import { reindexStep, toReindexState, type ReindexPhase, type ScheduledJob } from "@engram/memory";
import type { Sockets } from "@engram/sockets";
import type { Logger } from "@engram/telemetry";

/** How soon the end of a kept target, or one that another worker has begun, is noticed. */
const EVERY_SECONDS = 30;
const BUSY_PAUSE_SECONDS = 0.5;

export interface ReindexJobDeps {
  readonly sockets: Sockets;
  readonly config: Config;
  readonly logger: Logger;
}

/**
 * The job "reindex": fills the target of the configured model, makes it live when it is complete, ends what was
 * replaced. Safe to repeat: every step reads from the tables what is left to do.
 */
export function createReindexJob({ sockets, config, logger }: ReindexJobDeps): ScheduledJob {
  const deps = {
    targets: sockets.targets,
    rows: sockets.rows,
    index: sockets.index,
    store: sockets.store,
    embedder: sockets.models.embedder,
    base: config.vectors.collection,
    keepSeconds: config.reindex.keepMinutes * 60,
  };
  return {
    name: "reindex",
    everySeconds: EVERY_SECONDS,
    async step(before, budget) {
      const state = await reindexStep(deps, before, budget);
      tell(logger, state.phase, { isFirst: toReindexState(before) === undefined });
      const nextInSeconds = nextOf(state.phase);
      return nextInSeconds === undefined ? { done: true, result: state.phase } : { done: false, state, nextInSeconds };
    },
  };
}

/** Undefined: there is nothing to be done until something is asked for or the period is over. */
function nextOf(phase: ReindexPhase): number | undefined {
  if (phase.phase === "waiting" || phase.phase === "filling") return BUSY_PAUSE_SECONDS;
  if (phase.phase === "comparing") return 0;
  return phase.phase === "refused" ? phase.nextInSeconds : undefined;
}

/** The beginning, the end and what stands in the way; the progress between them is in the schedule's state. */
function tell(logger: Logger, phase: ReindexPhase, { isFirst }: { isFirst: boolean }): void {
  if (phase.phase === "idle") return;
  if (phase.phase === "refused") logger.warn(phase, "The new index is not fit to go live yet");
  else if (phase.phase === "switched") logger.info(phase, "Searches use the new index");
  else if (phase.phase === "retired") logger.info(phase, "An index that was replaced is gone");
  else if (isFirst) logger.info(phase, "A new index is being filled");
}
