import { setTimeout as sleep } from "node:timers/promises";
import { MemoryError, type ProviderBudget, type ProviderUse } from "@engram/memory";

/**
 * How long a call that has its batch in hand waits for its turn; what is further away is given back to the outbox. Short
 * against the deadline of a claim and against a graceful stop.
 */
const PATIENCE_MS = 3_000;
/** How old may be what is known of a pause that another process was told. */
const FRESH_MS = 1_000;
/** How fast the estimates follow what calls were really charged: texts of one installation are alike. */
const LEARNING_RATE = 0.2;
/** Charges that nobody waits for go out together, so that a search costs no statement of its own. */
const CHARGE_EVERY_MS = 200;

export interface PaceOptions {
  readonly budget: ProviderBudget;
  /** False: no limit is set; a pause that the provider asks for holds all the same. */
  readonly limited: boolean;
  /** A budget that cannot be asked stops nobody. */
  readonly onError: (error: unknown) => void;
  readonly onTurn?: (waitSeconds: number) => void;
}

/** What became of a call: how many tokens were estimated and used, and whether the provider asked for a pause. */
export interface PacedCall {
  readonly outcome: string;
  readonly tokens: number;
  readonly tokensEstimated: number;
  readonly retryAfterSeconds?: number;
}

/**
 * Keeps this process to what the provider allows all of them together. Work waits for its turn before each call; the
 * query of a search never does, it is charged and work gives way. After a call the difference between the estimate and
 * what was really used is charged too.
 *
 * A pause that work was told (`Retry-After`) holds for all work, in every process. One that a search was told holds for
 * work as well, since work ranks lower, and for the searches of this process; work's pause does not hold for searches:
 * most providers refuse a large call where a small one still fits.
 */
export class Pace {
  readonly #options: PaceOptions;
  /** No turn for work before; by this process's own clock. */
  #freeAtMs = 0;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  /** Grows when a pause is told, and when the budget knows of it: what was asked before that says nothing of the pause. */
  #pauses = 0;
  #queriesFreeAtMs = 0;
  /** Really used for each token estimated. Where estimates are too high, turns lie too far apart until they are settled. */
  #tokensPerEstimated = 1;
  #owed: ProviderUse = { requests: 0, tokens: 0 };
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** Waits for work's turn at a call of so many tokens. Throws `rate_limited` when it is too far away. */
  async admit(tokens: number, signal: AbortSignal): Promise<void> {
    const knownMs = this.#freeAtMs - performance.now();
    if (knownMs > PATIENCE_MS) throw turnedAway(knownMs);
    if (!this.#options.limited) return;
    const waitMs = await this.#reserve(tokens);
    this.#options.onTurn?.(waitMs / 1000);
    if (waitMs > 0)
      await sleep(waitMs, undefined, { signal }).catch((cause: unknown) => {
        throw new MemoryError("rate_limited", "No turn at the model provider before the deadline", { cause });
      });
  }

  /** Charges the query of a search. Throws `rate_limited` only while the provider has asked searches for a pause. */
  admitQuery(tokens: number): Promise<void> {
    const pauseMs = this.#queriesFreeAtMs - performance.now();
    if (pauseMs > 0) return Promise.reject(turnedAway(pauseMs));
    this.#owe({ requests: 1, tokens: tokens * this.#tokensPerEstimated });
    return Promise.resolve();
  }

  /** Takes in what a call has shown. */
  settle(call: PacedCall, { isQuery }: { isQuery: boolean }): void {
    if (call.outcome === "ok" && call.tokens > 0 && call.tokensEstimated > 0) {
      this.#owe({ requests: 0, tokens: call.tokens - call.tokensEstimated * this.#tokensPerEstimated });
      this.#tokensPerEstimated += LEARNING_RATE * (call.tokens / call.tokensEstimated - this.#tokensPerEstimated);
    }
    const { retryAfterSeconds } = call;
    if (retryAfterSeconds === undefined || retryAfterSeconds <= 0) return;
    if (isQuery) this.#queriesFreeAtMs = performance.now() + retryAfterSeconds * 1000;
    this.#pauses += 1;
    this.#learn(Math.max(this.#freeAtMs - performance.now(), retryAfterSeconds * 1000));
    void this.#options.budget
      .pause(retryAfterSeconds)
      .catch(this.#options.onError)
      .finally(() => {
        this.#pauses += 1;
      });
  }

  /** How long there is no turn for work, as this process knows, by an answer at most a second old. */
  async waitMs(): Promise<number> {
    if (performance.now() - this.#askedAtMs > FRESH_MS) {
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = undefined;
      });
      await this.#asking;
    }
    return Math.max(0, this.#freeAtMs - performance.now());
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    const pauses = this.#pauses;
    try {
      const waitMs = await this.#options.budget.waitMs();
      if (pauses === this.#pauses) this.#learn(waitMs);
    } catch (error) {
      this.#askedAtMs = performance.now(); // not again for every claim
      this.#options.onError(error);
    }
  }

  async #reserve(tokens: number): Promise<number> {
    const owed = this.#takeOwed();
    const use = { requests: owed.requests + 1, tokens: owed.tokens + tokens * this.#tokensPerEstimated };
    try {
      const turn = await this.#options.budget.reserve(use, { patienceMs: PATIENCE_MS });
      if (turn.granted) {
        // When the next one is free after this one, only the budget knows.
        this.#askedAtMs = Number.NEGATIVE_INFINITY;
        return turn.waitMs;
      }
      this.#learn(Math.max(this.#freeAtMs - performance.now(), turn.waitMs));
      this.#owe(owed);
      throw turnedAway(turn.waitMs);
    } catch (error) {
      if (error instanceof MemoryError && error.code === "rate_limited") throw error;
      this.#options.onError(error);
      return 0;
    }
  }

  #learn(waitMs: number): void {
    this.#askedAtMs = performance.now();
    this.#freeAtMs = this.#askedAtMs + waitMs;
  }

  #owe({ requests, tokens }: ProviderUse): void {
    if (!this.#options.limited) return;
    this.#owed = { requests: this.#owed.requests + requests, tokens: this.#owed.tokens + tokens };
    this.#timer ??= setTimeout(() => this.#charge(), CHARGE_EVERY_MS).unref();
  }

  #takeOwed(): ProviderUse {
    const owed = this.#owed;
    this.#owed = { requests: 0, tokens: 0 };
    return owed;
  }

  #charge(): void {
    this.#timer = undefined;
    const owed = this.#takeOwed();
    if (owed.requests !== 0 || owed.tokens !== 0) this.#options.budget.charge(owed).catch(this.#options.onError);
  }
}

function turnedAway(waitMs: number): MemoryError {
  return new MemoryError("rate_limited", "The model provider's limits are used up for now", {
    retryAfterSeconds: waitMs / 1000,
  });
}
