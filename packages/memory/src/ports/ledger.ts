export const OPERATIONS = ["embed", "extract", "chat"] as const;
export type ProviderOperation = (typeof OPERATIONS)[number];

/** One call to a provider, failed ones too. */
export interface ProviderCallRecord {
  readonly operation: ProviderOperation;
  readonly model: string;
  /** Whose it was; null: of several projects or of none (a probe). */
  readonly projectId: string | null;
  readonly outcome: "ok" | "invalid" | "rate_limited" | "unavailable";
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** By the price table; null: a model without a price. */
  readonly dollars: number | null;
  readonly seconds: number;
  readonly at: Date;
  readonly requestId: string | null;
}

export interface SpendLine {
  /** UTC, `2026-11-25`. */
  readonly day: string;
  readonly operation: ProviderOperation;
  readonly model: string;
  readonly calls: number;
  readonly failed: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly dollars: number;
}

/** What providers were paid for. */
export interface Ledger {
  /** Kept soon, together with others; never blocks, never throws. */
  record(call: ProviderCallRecord): void;
  /** Of the days from `since` on, newest first. */
  spend(projectId: string, since: Date): Promise<readonly SpendLine[]>;
  /** Dollars of the current UTC day. */
  spentToday(projectId: string): Promise<number>;
  /** Writes what is still held. */
  close(): Promise<void>;
}
