import { setTimeout as sleep } from "node:timers/promises";
import { isKeyTaken, toMemoryError } from "@engram/memory";

/** A deadlock with a group of writes costs one of the two its turn; each try waits a little while of its own. */
const ATTEMPTS_MAX = 20;
const PAUSE_MS_MAX = 50;

/** Runs a transaction again that lost a race to another. */
export async function racing<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (toMemoryError(error).code !== "conflict" || isKeyTaken(error) || attempt >= ATTEMPTS_MAX) throw error;
      await sleep(Math.random() * Math.min(PAUSE_MS_MAX, 2 ** attempt));
    }
  }
}
