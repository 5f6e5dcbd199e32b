import type { Running } from "./harness.ts";

// Setup and teardown may be two instances of this module, but they share the process and its registry of symbols.
const slot = Symbol.for("engram.acceptance.running");
const registry = globalThis as { [slot]?: Running | undefined };

/** Keeps what the global setup started, for the global teardown. */
export function setRunning(running: Running): void {
  registry[slot] = running;
}

/** What the global setup started, or undefined if it failed. */
export function getRunning(): Running | undefined {
  return registry[slot];
}
