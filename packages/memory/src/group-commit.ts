import { MemoryError, toMemoryError } from "./errors.ts";

/** Statements under way at once: one commits while the next one gathers. More of them only makes smaller groups. */
const GROUPS_IN_FLIGHT_MAX = 2;

export interface GroupCommit<Item, Result> {
  /** Resolves when the item is committed. */
  put(item: Item): Promise<Result>;
  /** Items that wait or are being written. */
  readonly depth: number;
}

export interface GroupCommitOptions<Item, Result> {
  /** Of what waits, oldest first, what one statement may write now; nothing: it waits for a group that is under way. */
  readonly choose: (waiting: readonly Item[]) => readonly Item[];
  /** One commit; what became of each, in order. */
  readonly write: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly onGroup?: ((size: number) => void) | undefined;
  /** Statements under way at once; 2 as a rule. */
  readonly inFlightMax?: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit in the process: what arrives while a statement is under way goes out together with the next one. A lone
 * write waits for nothing. A group that fails is written one by one, unless the database is away. At 50 connections this is
 * a fifth of the WAL syncs (docs/benchmarks.md).
 */
export function createGroupCommit<Item, Result>({
  choose,
  write,
  onGroup,
  inFlightMax = GROUPS_IN_FLIGHT_MAX,
}: GroupCommitOptions<Item, Result>): GroupCommit<Item, Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let inFlight = 0;
  let depth = 0;

  async function commit(group: readonly Waiting<Item, Result>[]): Promise<void> {
    onGroup?.(group.length);
    try {
      const results = await write(group.map((one) => one.item));
      group.forEach((one, i) => {
        if (i < results.length) one.resolve(results[i] as Result);
        else one.reject(new MemoryError("internal", "Internal error", { cause: new Error("a write gave no answer") }));
      });
    } catch (error) {
      const [only] = group;
      if (group.length === 1 && only !== undefined) only.reject(error);
      else if (toMemoryError(error).code === "unavailable") for (const one of group) one.reject(error);
      else for (const one of group) await commit([one]); // one bad row must not fail its neighbours
    }
  }

  function drain(): void {
    while (inFlight < inFlightMax && waiting.length > 0) {
      const chosen = new Set(choose(waiting.map((one) => one.item)));
      if (chosen.size === 0) return;
      const group = waiting.filter((one) => chosen.has(one.item));
      waiting = waiting.filter((one) => !chosen.has(one.item));
      inFlight += 1;
      void commit(group).finally(() => {
        inFlight -= 1;
        depth -= group.length;
        drain();
      });
    }
  }

  return {
    put(item) {
      return new Promise((resolve, reject) => {
        depth += 1;
        waiting.push({ item, resolve, reject });
        // After this turn of the loop, so that requests which arrived together leave together.
        setImmediate(drain);
      });
    },
    get depth() {
      return depth;
    },
  };
}
