import { getRunning } from "./running.ts";

/** Stops the target; a process that does not stop gracefully fails the run. */
export default async function globalTeardown(): Promise<void> {
  await getRunning()?.stop();
}
