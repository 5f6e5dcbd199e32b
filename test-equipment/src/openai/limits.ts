/**
 * Requests and tokens per minute, as a provider enforces them: by a window that rolls, the strictest of what is in use
 * (a bucket that is refilled lets more through, and one that is counted anew each minute twice as much around its end).
 * A call that is refused counts as a request all the same, as OpenAI says of its own. https://platform.openai.com/docs/guides/rate-limits
 */
import type { OpenAILimits } from "../control.ts";
import { ApiError } from "./embeddings-api.ts";

export type Limiter = {
  /** Takes other limits, and forgets what was used. */
  readonly set: (limits: OpenAILimits) => void;
  /** Counts a call of so many tokens. Gives the headers of its answer, or throws LimitError. */
  readonly take: (tokens: number) => Readonly<Record<string, string>>;
};

const MINUTE_MS = 60_000;

export class LimitError extends ApiError {
  readonly headers: Readonly<Record<string, string>>;
  constructor(kind: "requests" | "tokens", limit: number, headers: Readonly<Record<string, string>>) {
    super(429, `Rate limit reached on ${kind} per min. Limit: ${limit}.`, "rate_limit_exceeded", kind);
    this.headers = headers;
  }
}

type Use = { readonly atMs: number; readonly amount: number };

export function createLimiter(nowMs: () => number = () => performance.now()): Limiter {
  let limits: OpenAILimits = {};
  let requests: Use[] = [];
  let tokens: Use[] = [];

  const windowMs = (): number => limits.window_ms ?? MINUTE_MS;
  const kept = (uses: readonly Use[]): Use[] => uses.filter(({ atMs }) => atMs > nowMs() - windowMs());

  return {
    set: (given) => {
      limits = given;
      requests = [];
      tokens = [];
    },
    take: (amount) => {
      [requests, tokens] = [kept(requests), kept(tokens)];
      const { requests_per_minute: requestsMax = Infinity, tokens_per_minute: tokensMax = Infinity } = limits;
      const waitsMs = {
        requests: untilFree(requests, 1, requestsMax, nowMs() - windowMs()),
        tokens: untilFree(tokens, amount, tokensMax, nowMs() - windowMs()),
      };
      const refusedBy = waitsMs.requests > 0 ? "requests" : waitsMs.tokens > 0 ? "tokens" : undefined;
      requests.push({ atMs: nowMs(), amount: 1 });
      if (refusedBy === undefined) tokens.push({ atMs: nowMs(), amount });
      const headers = {
        ...describe("requests", requestsMax, sumOf(requests), waitsMs.requests),
        ...describe("tokens", tokensMax, sumOf(tokens), waitsMs.tokens),
      };
      if (refusedBy === undefined) return headers;
      const waitMs = Math.ceil(Math.max(waitsMs.requests, waitsMs.tokens));
      const retry = { "retry-after": String(Math.ceil(waitMs / 1_000)), "retry-after-ms": String(waitMs) };
      throw new LimitError(refusedBy, refusedBy === "requests" ? requestsMax : tokensMax, { ...headers, ...retry });
    },
  };
}

/** How long until `amount` more would fit, by what leaves the window meanwhile; 0: it fits now. */
function untilFree(uses: readonly Use[], amount: number, max: number, windowStartMs: number): number {
  let excess = sumOf(uses) + amount - max;
  let waitMs = 0;
  for (const use of uses) {
    if (excess <= 0) break;
    excess -= use.amount;
    waitMs = use.atMs - windowStartMs;
  }
  return waitMs;
}

function sumOf(uses: readonly Use[]): number {
  return uses.reduce((sum, { amount }) => sum + amount, 0);
}

function describe(kind: "requests" | "tokens", max: number, used: number, waitMs: number): Record<string, string> {
  if (max === Infinity) return {};
  return {
    [`x-ratelimit-limit-${kind}`]: String(max),
    [`x-ratelimit-remaining-${kind}`]: String(Math.max(0, max - used)),
    [`x-ratelimit-reset-${kind}`]: `${Math.ceil(waitMs)}ms`,
  };
}
