/** First pause after a failure, and the longest one: a provider that is away for a week is asked once a minute. */
const FIRST_SECONDS = 0.5;
const LONGEST_SECONDS = 60;

/**
 * How long to wait before attempt `attempts + 1`: 0.5 s·2ⁿ with full jitter in its upper half, at most a minute; what
 * the other side asked for (`Retry-After`) is obeyed at any length.
 */
export function backoffSeconds(
  attempts: number,
  options: { retryAfterSeconds?: number | undefined; random?: () => number } = {},
): number {
  const ceiling = Math.min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** Math.min(attempts, 16));
  const pause = ceiling * (0.5 + 0.5 * (options.random ?? Math.random)());
  return Math.max(pause, options.retryAfterSeconds ?? 0);
}
