import type { Config } from "@engram/config";
import { isRetaining, type MemoryStore, type ScheduledJob } from "@engram/memory";

/** A day more or less does not matter; an hour keeps a run small. */
const EVERY_SECONDS = 3_600;
/** A session that has idled is gone within so long. */
const SESSIONS_EVERY_SECONDS = 300;

type Store = Pick<MemoryStore, "sweepRetention" | "sweepSessions">;

/** The job "retention": deletes what RETENTION_DAYS and its like let go. Safe to repeat: it looks anew each time. */
export function createRetentionJob(store: Store, { retention }: Pick<Config, "retention">): ScheduledJob {
  return sweeping("retention", EVERY_SECONDS, () =>
    isRetaining(retention) ? NOTHING : store.sweepRetention(retention),
  );
}

/** The job "sessions": deletes the memories of sessions that have idled for SESSION_IDLE_TTL. Safe to repeat. */
export function createSessionsJob(store: Store, { retention }: Pick<Config, "retention">): ScheduledJob {
  const { sessionIdleSeconds } = retention;
  return sweeping("sessions", SESSIONS_EVERY_SECONDS, () =>
    sessionIdleSeconds === 0 ? NOTHING : store.sweepSessions(sessionIdleSeconds),
  );
}

const NOTHING = Promise.resolve({ deleted: 0, more: false });

/** Sweeps chunk by chunk until nothing is left, and tells how much has gone. */
function sweeping(
  name: string,
  everySeconds: number,
  sweep: () => Promise<{ deleted: number; more: boolean }>,
): ScheduledJob {
  return {
    name,
    everySeconds,
    async step(state, budget) {
      let deleted = Number((state as { deleted?: unknown } | null)?.deleted ?? 0);
      for (;;) {
        const swept = await sweep();
        deleted += swept.deleted;
        if (!swept.more) return { done: true, result: { deleted } };
        if (budget.spent()) return { done: false, state: { deleted } };
      }
    },
  };
}
