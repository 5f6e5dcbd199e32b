import { startTarget } from "./harness.ts";
import { setRunning } from "./running.ts";
import { targetVariable } from "./target.ts";

/** Starts the target that ENGRAM_TARGET names, once per run, and tells the tests where it is. */
export default async function globalSetup(): Promise<void> {
  const running = await startTarget(process.env["ENGRAM_TARGET"] ?? "embedded");
  setRunning(running);
  process.env[targetVariable] = JSON.stringify(running.target);
}
