import { MemoryError } from "@engram/memory";

export interface DeadlineOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** True: a call that was ended may have taken effect. */
  readonly writing: boolean;
}

/**
 * Runs `call` with a signal that ends it at its deadline, or when the caller's fires. The listener is taken off again,
 * which `AbortSignal.any` over a long-lived signal leaves to the garbage collector.
 *
 * @throws MemoryError `unavailable` when it was ended; for a write that had been sent, with `outcomeUnknown`.
 */
export async function withDeadline<T>(
  { timeoutMs, signal, writing }: DeadlineOptions,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (signal.aborted) throw new MemoryError("unavailable", "Qdrant was not asked: too late", { cause: signal.reason });
  const controller = new AbortController();
  const end = (): void => controller.abort();
  const timer = setTimeout(end, timeoutMs);
  signal.addEventListener("abort", end, { once: true });
  try {
    return await call(controller.signal);
  } catch (cause) {
    if (!controller.signal.aborted) throw cause;
    throw new MemoryError("unavailable", "Qdrant did not answer in time", { cause, outcomeUnknown: writing });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}
