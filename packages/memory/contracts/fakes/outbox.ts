import type { Claimed, ClaimOptions, Failure, Outbox, OutboxDepth } from "@engram/memory";
import { waitsOutDoubt, type FakeTruth, type WorkRow } from "./truth.ts";

/** Faults that are the world's, not the row's. */
const OF_THE_WORLD = /^(unavailable|rate_limited):/;

/** The outbox over the fake truth, statement by statement as in `packages/postgres`; the outbox contract holds both. */
export function createFakeOutbox(truth: FakeTruth): Outbox {
  /** The claimed rows whose lease is the token's, each with what was claimed of it. */
  function held<T extends { readonly key: string }>(
    topic: string,
    token: string,
    claimed: readonly T[],
  ): readonly (readonly [WorkRow, T])[] {
    return claimed.flatMap((one) => {
      const row = truth.findWork(topic, one.key);
      return row !== undefined && row.lease === token ? [[row, one] as const] : [];
    });
  }

  async function claim(options: ClaimOptions): Promise<readonly Claimed[]> {
    const due = truth.work
      .filter((row) => row.topic === options.topic && row.parkedAt === null && row.dueAt <= truth.clock.now)
      .filter((row) => options.only !== "absent" || !truth.memories.has(row.key))
      .sort((a, b) => a.lane - b.lane || a.dueAt - b.dueAt)
      .slice(0, options.limit);
    return due.map((row) => lease(row, options));
  }

  function lease(row: WorkRow, { token, leaseSeconds, horizonSeconds }: ClaimOptions): Claimed {
    const now = truth.clock.now;
    const leased: WorkRow = {
      ...row,
      lease: token,
      dueAt: now + leaseSeconds * 1000,
      attempts: row.attempts + 1,
      // The former holder never answered: what it began may still land.
      doubtUntil: row.lease !== null ? now + horizonSeconds * 1000 : unlessPast(row.doubtUntil, now),
    };
    truth.saveWork(leased);
    return {
      key: leased.key,
      generation: leased.generation,
      attempts: leased.attempts,
      inDoubt: leased.doubtUntil !== null,
      alone: leased.attempts > 1 && (leased.error === null || !OF_THE_WORLD.test(leased.error)),
      waitedSeconds: (now - leased.createdAt) / 1000,
      requestId: leased.requestId,
    };
  }

  async function acknowledge(
    topic: string,
    token: string,
    done: readonly Claimed[],
  ): Promise<{ gone: number; kept: number }> {
    const answered = { gone: 0, kept: 0 };
    const now = truth.clock.now;
    for (const [row, { generation }] of held(topic, token, done)) {
      if (row.generation === generation && row.doubtUntil === null) {
        truth.deleteWork(row);
        answered.gone += 1;
        continue;
      }
      const dueAt = row.generation === generation ? Math.max(now, row.doubtUntil ?? now) : now;
      truth.saveWork({ ...row, lease: null, attempts: 0, error: null, dueAt });
      answered.kept += 1;
    }
    return answered;
  }

  async function fail(
    topic: string,
    token: string,
    failures: readonly Failure[],
    horizonSeconds: number,
  ): Promise<number> {
    const now = truth.clock.now;
    const rows = held(topic, token, failures);
    for (const [row, failure] of rows) {
      const isAsClaimed = row.generation === failure.generation;
      truth.saveWork({
        ...row,
        lease: null,
        error: failure.error,
        doubtUntil: failure.doubt ? now + horizonSeconds * 1000 : row.doubtUntil,
        dueAt: isAsClaimed ? now + failure.retryInSeconds * 1000 : now,
        attempts: isAsClaimed ? countAttempts(row, failure) : 0,
        parkedAt: failure.park && isAsClaimed ? now : null,
      });
    }
    return rows.length;
  }

  async function release(topic: string, token: string, claimed: readonly Claimed[]): Promise<number> {
    const rows = held(topic, token, claimed);
    for (const [row] of rows)
      truth.saveWork({ ...row, lease: null, attempts: Math.max(0, row.attempts - 1), dueAt: truth.clock.now });
    return rows.length;
  }

  async function depth(): Promise<readonly OutboxDepth[]> {
    const topics = new Map<string, WorkRow[]>();
    for (const row of truth.work)
      if (!waitsOutDoubt(row)) topics.set(row.topic, [...(topics.get(row.topic) ?? []), row]);
    return [...topics].map(([topic, rows]) => {
      const pending = rows.filter((row) => row.parkedAt === null);
      const oldest = Math.min(truth.clock.now, ...pending.map((row) => row.createdAt));
      return {
        topic,
        pending: pending.length,
        pendingSingle: pending.filter((row) => row.lane === 0).length,
        parked: rows.length - pending.length,
        oldestSeconds: (truth.clock.now - oldest) / 1000,
      };
    });
  }

  return { claim, acknowledge, fail, release, depth };
}

/** What failed with the world counts anew from its first failure of its own. */
function countAttempts(row: WorkRow, { error }: Failure): number {
  const isFirstOfItsOwn = row.error !== null && OF_THE_WORLD.test(row.error) && !OF_THE_WORLD.test(error);
  return isFirstOfItsOwn ? 1 : row.attempts;
}

function unlessPast(doubtUntil: number | null, now: number): number | null {
  return doubtUntil !== null && doubtUntil <= now ? null : doubtUntil;
}
