import type { MemoryStore, ScheduledJob } from "@engram/memory";

/** Expired memories are hidden at once; a minute later they are gone. */
const EVERY_SECONDS = 60;

/** The job "sweep": deletes what has expired. Safe to repeat: it only ever deletes what is expired when it looks. */
export function createSweepJob(store: Pick<MemoryStore, "sweepExpired">): ScheduledJob {
  return {
    name: "sweep",
    everySeconds: EVERY_SECONDS,
    async step(state, budget) {
      let expired = deletedSoFar(state);
      for (;;) {
        const { deleted, more } = await store.sweepExpired();
        expired += deleted;
        if (!more) return { done: true, result: { expired } };
        if (budget.spent()) return { done: false, state: { expired } };
      }
    },
  };
}

function deletedSoFar(state: unknown): number {
  return typeof state === "object" && state !== null && "expired" in state ? Number(state.expired) : 0;
}
