import { setTimeout as sleep } from "node:timers/promises";
import { backoffSeconds } from "@engram/memory";

/** The longest pause between two tries at start: an operator who mends something sees it within seconds. */
const PAUSE_SECONDS_MAX = 5;

/** Runs `work` until it succeeds or `stop` fires; every failure goes to `onFailure`. Undefined: stopped. */
export async function keepTrying<T>(
  work: () => Promise<T>,
  { stop, onFailure }: { stop: AbortSignal; onFailure: (error: unknown) => void },
): Promise<T | undefined> {
  for (let attempt = 1; !stop.aborted; attempt++) {
    try {
      return await work();
    } catch (error) {
      onFailure(error);
    }
    const pauseMs = Math.min(PAUSE_SECONDS_MAX, backoffSeconds(attempt)) * 1000;
    await sleep(pauseMs, undefined, { signal: stop }).catch(() => undefined);
  }
  return undefined;
}
