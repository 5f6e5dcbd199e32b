import { backoffSeconds, MemoryError, toMemoryError } from "@engram/memory";
import { circuitBreaker, CircuitState, ConsecutiveBreaker, handleWhen } from "cockatiel";

/** So many calls in a row that got no answer; less would open at a hiccup, more would let more callers wait in vain. */
const FAILURES_MAX = 3;
/** The longest pause between two probes: what has recovered is found within so many seconds. */
const PROBE_PAUSE_SECONDS_MAX = 5;
/** So long a caller may come to be the second answer. */
const TRIAL_PATIENCE_MS = 2_000;
/** While half open, the probe and one caller have to be answered. */
const ANSWERS_TO_CLOSE = 2;
/** A call that its caller ended sooner than this says nothing of the other side. */
const FAIR_CHANCE_MS = 250;

export const CIRCUIT_STATES = ["closed", "half_open", "open"] as const;
export type CircuitStateName = (typeof CIRCUIT_STATES)[number];

export interface CircuitOptions {
  /** Asks the other side for a sign of life while the circuit is open, so that no caller has to. */
  readonly probe: (signal: AbortSignal) => Promise<unknown>;
  readonly probeTimeoutMs: number;
  readonly onChange?: (state: CircuitStateName, fault: MemoryError | undefined) => void;
}

/** Neither an answer nor a failure. */
class Uncounted extends Error {}

/**
 * Spares callers the wait for something that does not answer. After three calls in a row that ended `unavailable` it is
 * open, and a call fails at once with the fault of the last one. Meanwhile a probe asks every few seconds; once that is
 * answered one caller is let through (a probe is cheaper than what callers want), and if it is answered too, all are.
 *
 * Any other error is an answer. Nothing that a circuit refuses was sent, so the outcome of a refused call is never in doubt.
 */
export class Circuit {
  readonly #options: CircuitOptions;
  readonly #policy = circuitBreaker(
    handleWhen((error) => !(error instanceof Uncounted)),
    {
      breaker: new ConsecutiveBreaker(FAILURES_MAX),
      halfOpenAfter: 0, // when to probe is decided here
      halfOpenSampling: { calls: ANSWERS_TO_CLOSE, threshold: 0 },
    },
  );
  #fault: MemoryError | undefined;
  #probes = 0;
  #timer: NodeJS.Timeout | undefined;
  #isTrialFree = false;
  #isClosing = false;

  constructor(options: CircuitOptions) {
    this.#options = options;
    this.#policy.onStateChange(() => this.#changed());
  }

  get state(): CircuitStateName {
    switch (this.#policy.state) {
      case CircuitState.Closed:
        return "closed";
      case CircuitState.HalfOpen:
        return "half_open";
      default:
        return "open";
    }
  }

  /** Whether a call would be let through. */
  get admits(): boolean {
    return this.#policy.state === CircuitState.Closed || this.#isTrialFree;
  }

  /** Why it is not closed; undefined when it is. */
  get fault(): MemoryError | undefined {
    return this.state === "closed" ? undefined : this.#fault;
  }

  /** Throws what `call` throws; `unavailable` at once while nothing is let through. */
  async run<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (!this.admits) throw refusal(this.#fault);
    const isTrial = this.#isTrialFree;
    this.#isTrialFree = false;
    const started = performance.now();
    const answer = await this.#policy
      .execute(async () => {
        try {
          return { value: await call() };
        } catch (error) {
          if (!isTrouble(error)) return { error };
          const isCutShort = signal.aborted && performance.now() - started < FAIR_CHANCE_MS;
          if (isCutShort && !isTrial) throw new Uncounted("cut short", { cause: error });
          this.#fault = toMemoryError(error);
          throw error;
        }
      })
      .catch((error: unknown) => {
        throw error instanceof Uncounted ? error.cause : error;
      });
    if ("error" in answer) throw answer.error;
    return answer.value;
  }

  /** Ends the probing. */
  close(): void {
    this.#isClosing = true;
    clearTimeout(this.#timer);
  }

  #changed(): void {
    const { state } = this;
    if (state !== "half_open") this.#isTrialFree = false;
    if (state === "closed") this.#probes = 0;
    if (state === "open") this.#probeLater();
    this.#options.onChange?.(state, this.fault);
  }

  #probeLater(): void {
    if (this.#isClosing) return;
    this.#probes += 1;
    const pauseSeconds = Math.min(PROBE_PAUSE_SECONDS_MAX, backoffSeconds(this.#probes));
    this.#timer = setTimeout(() => void this.#probe(), pauseSeconds * 1000);
    this.#timer.unref();
  }

  /** Where nobody calls (the queries are known, there is no work), a second probe is as good as a caller. */
  #proveAlone(): void {
    if (this.#isClosing) return;
    this.#timer = setTimeout(() => {
      if (!this.#isTrialFree) return;
      this.#isTrialFree = false;
      void this.#probe();
    }, TRIAL_PATIENCE_MS);
    this.#timer.unref();
  }

  async #probe(): Promise<void> {
    try {
      await this.#policy.execute(() => this.#options.probe(AbortSignal.timeout(this.#options.probeTimeoutMs)));
      this.#isTrialFree = this.state === "half_open";
      if (this.#isTrialFree) this.#proveAlone();
    } catch (error) {
      this.#fault = toMemoryError(error);
    }
  }
}

/** No answer: a fault that the other side would have spared the caller by not being asked. */
function isTrouble(error: unknown): boolean {
  return error instanceof MemoryError && error.code === "unavailable";
}

function refusal(fault: MemoryError | undefined): MemoryError {
  return new MemoryError("unavailable", fault?.message ?? "Not available", { cause: fault });
}
