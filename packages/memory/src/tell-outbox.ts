/** Short against a lease, long against a commit. */
const PASSED_OVER_PAUSES_MS = [20, 100, 400];

/**
 * A row that a writer holds at that moment is passed over and would wait for the end of its lease; most writers are done
 * in milliseconds, so it is tried again a few times. What was told before is not touched again: its lease is gone. `write` gives
 * how many of the `count` rows it told.
 */
export async function tellOutbox(
  pause: (ms: number) => Promise<unknown>,
  count: number,
  write: () => Promise<number>,
): Promise<void> {
  let left = count;
  for (const pauseMs of [0, ...PASSED_OVER_PAUSES_MS]) {
    if (pauseMs > 0) await pause(pauseMs);
    left -= await write();
    if (left <= 0) return;
  }
}
