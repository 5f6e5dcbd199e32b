import type { Conversations, KeptAnswers, MemoryStore, ScheduledJob, SearchableRows } from "@engram/memory";

/** Expired memories are hidden at once; a minute later they are gone. */
const EVERY_SECONDS = 60;

export interface SweepDeps {
  readonly store: Pick<MemoryStore, "sweepExpired">;
  readonly answers: Pick<KeptAnswers, "sweep">;
  readonly conversations: Pick<Conversations, "sweepEvents">;
  readonly searchable: Pick<SearchableRows, "forget">;
}

/** How many of each have gone in this run. */
interface Swept {
  readonly expired: number;
  readonly answers: number;
  readonly events: number;
  readonly changes: number;
}

/**
 * The job "sweep": deletes memories that have expired, answers to keyed writes and events of `add` that have run out, and
 * changes that were told for long enough. Safe to repeat: it only ever deletes what has run out when it looks.
 */
export function createSweepJob({ store, answers, conversations, searchable }: SweepDeps): ScheduledJob {
  return {
    name: "sweep",
    everySeconds: EVERY_SECONDS,
    async step(state, budget) {
      let swept = sweptSoFar(state);
      for (;;) {
        const [memories, kept] = [await store.sweepExpired(), await answers.sweep()];
        const [events, forgotten] = [await conversations.sweepEvents(), await searchable.forget()];
        swept = {
          expired: swept.expired + memories.deleted,
          answers: swept.answers + kept.deleted,
          events: swept.events + events.deleted,
          changes: swept.changes + forgotten.deleted,
        };
        if (![memories, kept, events, forgotten].some(({ more }) => more)) return { done: true, result: swept };
        if (budget.spent()) return { done: false, state: swept };
      }
    },
  };
}

function sweptSoFar(state: unknown): Swept {
  const { expired = 0, answers = 0, events = 0, changes = 0 } = (state ?? {}) as Partial<Swept>;
  return { expired, answers, events, changes };
}
