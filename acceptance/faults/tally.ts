import type { Outcome } from "./exchange.ts";

export const ACTS = ["write", "update", "delete", "read"] as const;
export type Act = (typeof ACTS)[number];

/** `acknowledged`: 2xx; `refused`: certainly without effect; `unknown`: either way. */
export type Fate = "acknowledged" | "refused" | "unknown";

export function fateOf(outcome: Outcome): Fate {
  if (outcome.kind === "refused") return "refused";
  if (outcome.kind === "lost" || outcome.status >= 500) return "unknown";
  return outcome.status < 300 ? "acknowledged" : "refused";
}

/** How many calls of each kind went which way; what was tried again under one key is one call. */
export class Tally {
  readonly acts: Readonly<Record<Act, Record<Fate, number>>> = {
    write: { acknowledged: 0, refused: 0, unknown: 0 },
    update: { acknowledged: 0, refused: 0, unknown: 0 },
    delete: { acknowledged: 0, refused: 0, unknown: 0 },
    read: { acknowledged: 0, refused: 0, unknown: 0 },
  };
  degradedSearches = 0;
  /** Changes that were sent again under their Idempotency-Key, because nobody knew what had become of them. */
  retries = 0;

  count(act: Act, fate: Fate): void {
    this.acts[act][fate] += 1;
  }

  /** Writes, updates and deletes that were sent. */
  get changes(): number {
    return this.acknowledgedChanges + this.acts.write.unknown + this.acts.update.unknown + this.acts.delete.unknown;
  }

  get acknowledgedChanges(): number {
    return this.acts.write.acknowledged + this.acts.update.acknowledged + this.acts.delete.acknowledged;
  }
}
