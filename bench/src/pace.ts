import { setTimeout as sleep } from "node:timers/promises";

/**
 * An open loop: calls `work` so many times a second by the clock, whether or not the ones before have ended, until `stop`
 * fires; then waits for those under way. `work` gets the instant at which it was meant to begin (`performance.now()`), so
 * that a stall counts against every request that it held up.
 */
export async function pace(
  perSecond: number,
  work: (meantMs: number) => Promise<void>,
  { stop, onError }: { stop: AbortSignal; onError: (error: unknown) => void },
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const started = performance.now();
  for (let n = 0; !stop.aborted; n++) {
    const meantMs = started + (n * 1000) / perSecond;
    await sleep(Math.max(0, meantMs - performance.now()));
    const one = work(meantMs)
      .catch(onError)
      .finally(() => underWay.delete(one));
    underWay.add(one);
  }
  await Promise.all(underWay);
}
