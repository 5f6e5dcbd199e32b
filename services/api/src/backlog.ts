import type { BacklogLimit, Config, Problem } from "@engram/config";
import { MemoryError, type OutboxDepth } from "@engram/memory";

export type WriteKind = keyof Config["backlog"];

/** A worker gets through some thousands of memories meanwhile, if it can work at all. */
const RETRY_AFTER_SECONDS = 30;

const WRITES = { bulk: "bulk writes", single: "single writes" } as const;
const VARIABLES = {
  bulk: "BACKLOG_BULK_LIMIT, BACKLOG_BULK_AGE_LIMIT_SECONDS",
  single: "BACKLOG_LIMIT, BACKLOG_AGE_LIMIT_SECONDS",
} as const;

interface Waiting {
  readonly pending: number;
  readonly oldestSeconds: number;
}

const NOTHING: Waiting = { pending: 0, oldestSeconds: 0 };

/**
 * Refuses writes while too much waits to be indexed: bulk first, single ones at a higher limit. Single writes are held
 * against single writes alone, so that neither a bulk load nor a rebuild of the index shuts them out. Knows what the last
 * look at the outbox found and what was admitted since, so that a write costs no query. What was under way during a look
 * may be missing until the next one: the limits are those of a backlog, not of a ledger.
 */
export class Backlog {
  readonly #limits: Config["backlog"];
  #waiting: Readonly<Record<WriteKind, Waiting>> = { bulk: NOTHING, single: NOTHING };
  #admitted = { bulk: 0, single: 0 };

  constructor(limits: Config["backlog"]) {
    this.#limits = limits;
  }

  /** What a look at the outbox found. The longest queue counts: one memory may wait in several. */
  measured(depths: readonly OutboxDepth[]): void {
    const most = (of: (depth: OutboxDepth) => number): number => Math.max(0, ...depths.map(of));
    const oldestSeconds = most((depth) => depth.oldestSeconds);
    this.#waiting = {
      bulk: { pending: most((depth) => depth.pending), oldestSeconds },
      single: { pending: most((depth) => depth.pendingSingle), oldestSeconds },
    };
    this.#admitted = { bulk: 0, single: 0 };
  }

  /** Throws `rate_limited` past the limit of its kind; else the writes are counted in. */
  admit(kind: WriteKind, writes: number): void {
    if (this.isPast(kind)) throw this.refusal(kind);
    this.#admitted.bulk += writes;
    if (kind === "single") this.#admitted.single += writes;
  }

  isPast(kind: WriteKind): boolean {
    const { pending, ageSeconds } = this.#limits[kind];
    const waiting = this.#waiting[kind];
    return waiting.pending + this.#admitted[kind] >= pending || waiting.oldestSeconds >= (ageSeconds ?? Infinity);
  }

  refusal(kind: WriteKind): MemoryError {
    return new MemoryError("rate_limited", `${this.#reason(kind)}; ${WRITES[kind]} are refused until there is less`, {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  }

  /** What an operator should know of the kind; undefined while it is admitted. */
  problem(kind: WriteKind): Problem | undefined {
    if (!this.isPast(kind)) return undefined;
    return {
      code: `backlog_${kind}`,
      message: `${this.#reason(kind)}; ${WRITES[kind]} are refused`,
      cure: `See why workers do not keep up (provider, index, too few of them), or raise ${VARIABLES[kind]}`,
    };
  }

  #reason(kind: WriteKind): string {
    const { pending, oldestSeconds } = this.#waiting[kind];
    return `Too much waits to be indexed (${pending + this.#admitted[kind]} memories, the oldest for ${Math.round(oldestSeconds)} s; ${shown(this.#limits[kind])})`;
  }
}

function shown({ pending, ageSeconds }: BacklogLimit): string {
  return ageSeconds === undefined ? `the limit is ${pending}` : `the limits are ${pending} and ${ageSeconds} s`;
}
