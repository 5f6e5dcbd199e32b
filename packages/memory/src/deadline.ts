import { MemoryError } from "./errors.ts";

/** The end of the time in which a claim's effects may be begun. */
export interface Deadline {
  /** Ends what is under way when the time has come. */
  readonly signal: AbortSignal;
  /** True once the time has come, whether or not a timer has had the chance to fire. */
  isPast(): boolean;
}

/**
 * A deadline `seconds` from now. A timer alone would not do: a process that was stopped (SIGSTOP, a paused container)
 * wakes up to the answers that arrived meanwhile first and to its timers later, and a machine that slept has a monotonic
 * clock that slept as well.
 */
export function deadlineAfter(seconds: number): Deadline {
  const ms = seconds * 1000;
  const start = { monotonic: performance.now(), wall: Date.now() };
  return {
    signal: AbortSignal.timeout(ms),
    isPast: () => Math.max(performance.now() - start.monotonic, Date.now() - start.wall) >= ms,
  };
}

/** Throws `unavailable` once the deadline is past: what has not been begun is not begun any more. */
export function assertInTime(deadline: Deadline): void {
  if (deadline.isPast()) throw new MemoryError("unavailable", "out of time before it was begun");
}
