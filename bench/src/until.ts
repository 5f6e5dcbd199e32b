import { setTimeout as sleep } from "node:timers/promises";

/** Waits until `isSo`, and tells how many seconds that took; throws with `what` when it does not come to pass in time. */
export async function until(
  what: string,
  isSo: () => Promise<boolean>,
  { pollMs = 100, timeoutMs = 15 * 60_000 }: { pollMs?: number; timeoutMs?: number } = {},
): Promise<number> {
  const started = performance.now();
  while (!(await isSo())) {
    if (performance.now() - started > timeoutMs) throw new Error(`${what} did not come to pass in ${timeoutMs} ms`);
    await sleep(pollMs);
  }
  return (performance.now() - started) / 1000;
}
