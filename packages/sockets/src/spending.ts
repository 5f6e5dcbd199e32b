import { DEFAULT_PROJECT_ID, type Ledger } from "@engram/memory";

/** Why a project's work waits, and for how long. */
export interface HeldBack {
  readonly reason: string;
  readonly seconds: number;
}

/** The limit of a day, asked before money is spent on work. Searches and chats are never held back by it. */
export interface Spending {
  /** Undefined: go on. A ledger that cannot be asked stops nobody. */
  heldBack(projectId?: string): Promise<HeldBack | undefined>;
}

/** The limit may be raised, and a call may fail to cost what was thought: looked at again at least so often. */
const AGAIN_SECONDS_MAX = 300;

/** `dollarsPerDay` of each project in one day of UTC; undefined: no limit. */
export function createSpending(ledger: Pick<Ledger, "spentToday">, dollarsPerDay: number | undefined): Spending {
  return {
    async heldBack(projectId = DEFAULT_PROJECT_ID) {
      if (dollarsPerDay === undefined) return undefined;
      const spent = await ledger.spentToday(projectId).catch(() => 0);
      if (spent < dollarsPerDay) return undefined;
      return {
        reason: `SPEND_LIMIT_DOLLARS_PER_DAY (${dollarsPerDay}) is spent for today; it goes on at midnight UTC, or with a higher limit`,
        seconds: Math.min(AGAIN_SECONDS_MAX, secondsToMidnight(new Date())),
      };
    },
  };
}

function secondsToMidnight(now: Date): number {
  const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1);
  return Math.ceil((midnight - now.getTime()) / 1000);
}
