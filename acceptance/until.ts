import { setTimeout as delay } from "node:timers/promises";

/** How long `until` waits, and how often it looks. */
export interface UntilOptions {
  timeoutMs?: number;
  everyMs?: number;
}

/**
 * Gives the first value of `probe` that is neither undefined nor false, asking again and again until then.
 * Throws when the deadline passes first; `what` completes the sentence "Waited for …", `describe` adds what was seen last.
 */
export async function until<Value>(
  what: string,
  probe: () => Promise<Value | undefined | false> | Value | undefined | false,
  options: UntilOptions & { describe?: () => string } = {},
): Promise<Value> {
  const timeoutMs = options.timeoutMs ?? 15_000;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) {
      const seen = options.describe?.();
      throw new Error(
        `Waited for ${what}, in vain for ${timeoutMs} ms${seen === undefined ? "" : `; last seen: ${seen}`}`,
      );
    }
    await delay(options.everyMs ?? 50);
  }
}

/** Waits until the clock has left the present instant behind, and gives a time between what was before and what comes. */
export async function instantBetween(): Promise<string> {
  const before = Date.now();
  const middle = await until("the clock to move", () => (Date.now() > before + 10 ? Date.now() : undefined), {
    everyMs: 5,
  });
  await until("the clock to move", () => Date.now() > middle + 10, { everyMs: 5 });
  return new Date(middle).toISOString();
}
