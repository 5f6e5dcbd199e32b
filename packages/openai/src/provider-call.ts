/** One chat call to a provider, for metrics and the ledger. */
export interface ChatCall {
  readonly operation: "extract" | "chat";
  readonly model: string;
  readonly projectId: string;
  readonly requestId: string | null;
  /** As the provider counts; by estimate where it may have worked in vain, 0 where it has not. */
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** As `admit` was told. */
  readonly tokensEstimated: number;
  readonly seconds: number;
  readonly outcome: "ok" | "invalid" | "rate_limited" | "unavailable";
  /** What the provider asked for. */
  readonly retryAfterSeconds?: number;
}
