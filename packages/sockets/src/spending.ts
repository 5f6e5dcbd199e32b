import { DEFAULT_PROJECT_ID, type Ledger } from "@engram/memory";

/** Why a project's work waits, and for how long. */
export interface HeldBack {
  readonly reason: string;
  readonly seconds: number;
}

/** Whose money is to be spent, and on which model. */
export interface Purchase {
  readonly projectId?: string;
  readonly model: string;
}

/** The limit of a day, asked before money is spent on work. Searches and chats are never held back by it. */
export interface Spending {
  /** Undefined: go on. A ledger that cannot be asked stops nobody; a price that nobody knows does. */
  heldBack(purchase: Purchase): Promise<HeldBack | undefined>;
}

export interface SpendingLimit {
  /** Of each project in one day of UTC; undefined: no limit. */
  readonly dollarsPerDay: number | undefined;
  readonly isPriced: (model: string) => boolean;
}

/** The limit may be raised, and a call may fail to cost what was thought: looked at again at least so often. */
const AGAIN_SECONDS_MAX = 300;

/** What a model costs whose price is not known cannot be held within the limit, and caps hold work back rather than overspend. */
export function createSpending(
  ledger: Pick<Ledger, "spentToday">,
  { dollarsPerDay, isPriced }: SpendingLimit,
): Spending {
  return {
    async heldBack({ projectId = DEFAULT_PROJECT_ID, model }) {
      if (dollarsPerDay === undefined) return undefined;
      if (!isPriced(model))
        return {
          reason: `SPEND_LIMIT_DOLLARS_PER_DAY cannot be kept: the price of ${model} is not known; set it in MODEL_PRICES`,
          seconds: AGAIN_SECONDS_MAX,
        };
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
