import type { Config } from "@engram/config";
import { ERASE_JOB, eraseStep, type ScheduledJob } from "@engram/memory";
import type { Sockets } from "@engram/sockets";

/** A request asks for a run by itself; this is for one whose process died in between. */
const EVERY_SECONDS = 60;
/** Between two looks at erasures that are not done: the index follows within a second or so. */
const PAUSE_SECONDS = 1;
/** Erasures of one look; a look goes on where the one before it ended. */
const PAGE = 100;

/** The job "erase": brings every erasure to its end. Safe to repeat, as `eraseStep` is. */
export function createEraseJob({ sockets, config }: { sockets: Sockets; config: Config }): ScheduledJob {
  const deps = { ...sockets, embedder: sockets.models.embedder, base: config.vectors.collection };
  return {
    name: ERASE_JOB,
    everySeconds: EVERY_SECONDS,
    async step(given, budget) {
      const state = stateOf(given);
      let { after, finished, open } = state;
      const page = await sockets.erasures.running({ limit: PAGE, ...(after === undefined ? {} : { after }) });
      let seen = 0;
      for (const erasure of page) {
        if (budget.spent()) break;
        if (await eraseStep(deps, erasure, config.outbox, budget)) finished += 1;
        else open += 1;
        after = erasure.id;
        seen += 1;
      }
      if (seen === page.length && page.length < PAGE) {
        // All have been looked at; again from the first one while any of them is open.
        if (open === 0) return { done: true, result: { finished } };
        return { done: false, state: { finished, open: 0 }, nextInSeconds: PAUSE_SECONDS };
      }
      return { done: false, state: { finished, open, ...(after === undefined ? {} : { after }) } };
    },
  };
}

interface EraseState {
  readonly after: string | undefined;
  readonly finished: number;
  /** Of those that this round has looked at, how many are not done. */
  readonly open: number;
}

function stateOf(given: unknown): EraseState {
  const { after, finished, open } = (given ?? {}) as { after?: unknown; finished?: unknown; open?: unknown };
  return {
    after: typeof after === "string" ? after : undefined,
    finished: Number(finished ?? 0),
    open: Number(open ?? 0),
  };
}
