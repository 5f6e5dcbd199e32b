import { MemoryError } from "@engram/memory";

export interface AvailabilityOptions {
  /** Resolves when the database answers, whatever it says; rejects when it does not, within a few seconds. */
  readonly probe: () => Promise<void>;
  /** Told once when it has gone away, with why. */
  readonly onAway: (cause: MemoryError) => void;
  /** Told once when it is back. */
  readonly onBack: () => void;
}

/** A statement that takes longer, while nothing else is answered either, makes us ask whether anybody is there. */
const SUSPECT_AFTER_MS = 1_000;
/** Between two probes of a database that is away: this is how late a return is noticed. */
const PROBE_EVERY_MS = 500;
/** What callers are told to wait. */
const RETRY_AFTER_SECONDS = 2;

/**
 * Knows whether the database is there. While it is not, work fails at once instead of waiting for a connection each, and
 * one probe looks. A refused connection is told by the first error; a black hole by silence, before any time-out.
 */
export class Availability {
  readonly #options: AvailabilityOptions;
  readonly #pending = new Set<{ since: number; reject: (error: MemoryError) => void }>();
  #away: MemoryError | undefined;
  #answeredAt = performance.now();
  #suspicion: NodeJS.Timeout | undefined;
  #isProbing = false;
  #closed = false;

  constructor(options: AvailabilityOptions) {
    this.#options = options;
  }

  /** The outcome of `work`; `unavailable` at once while the database is away, and as soon as it turns out to be. */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    if (this.#away !== undefined) throw awayError(this.#away.cause, { outcomeUnknown: false });
    return new Promise<T>((resolve, reject) => {
      const pending = { since: performance.now(), reject };
      this.#pending.add(pending);
      this.#watch();
      void this.#run(work)
        .then(resolve, reject)
        .finally(() => this.#pending.delete(pending));
    });
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    try {
      const value = await work();
      this.#answered();
      return value;
    } catch (error) {
      if (error instanceof MemoryError && error.code === "unavailable") this.suspect();
      else this.#answered();
      throw error;
    }
  }

  /** For whoever has seen a connection break: looks whether the database is there. */
  suspect(): void {
    void this.#probe();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#suspicion);
  }

  #answered(): void {
    this.#answeredAt = performance.now();
  }

  /** One timer for all that is pending. */
  #watch(): void {
    if (this.#suspicion !== undefined || this.#closed) return;
    this.#suspicion = setTimeout(() => {
      this.#suspicion = undefined;
      const [oldest] = this.#pending;
      if (oldest === undefined) return;
      const silentMs = performance.now() - Math.max(oldest.since, this.#answeredAt);
      if (silentMs >= SUSPECT_AFTER_MS) this.suspect();
      this.#watch();
    }, SUSPECT_AFTER_MS);
    this.#suspicion.unref();
  }

  /** One at a time: looks once, and again and again for as long as the database is away. */
  async #probe(): Promise<void> {
    if (this.#isProbing) return;
    this.#isProbing = true;
    for (; !this.#closed; await pause(PROBE_EVERY_MS)) {
      const begun = performance.now();
      try {
        await this.#options.probe();
        this.#setBack();
        break;
      } catch (cause) {
        // Busy is not away: somebody was answered while the probe was not.
        if (this.#away === undefined && this.#answeredAt > begun) break;
        this.#setAway(cause);
      }
    }
    this.#isProbing = false;
  }

  #setAway(cause: unknown): void {
    const isNews = this.#away === undefined;
    this.#away = awayError(cause, { outcomeUnknown: true });
    if (!isNews || this.#closed) return;
    this.#options.onAway(this.#away);
    for (const { reject } of this.#pending) reject(this.#away);
  }

  #setBack(): void {
    this.#answered();
    if (this.#away === undefined) return;
    this.#away = undefined;
    if (!this.#closed) this.#options.onBack();
  }
}

function awayError(cause: unknown, { outcomeUnknown }: { outcomeUnknown: boolean }): MemoryError {
  return new MemoryError("unavailable", "The database cannot be reached", {
    cause,
    outcomeUnknown,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref());
}
