/*
 * Workers, a client and the time at once, over fakes of the stores, in every order that fast-check thinks of, with crashes,
 * cuts and pauses: packages/memory/contracts/crash/permute.ts. Prints the seed first; exits with 1 at a violation, which is
 * printed with the least that shows it. The same seed tries the same runs.
 *
 *   npm run permute -- --minutes 5 [--seed N]
 */
import { parseArgs } from "node:util";
import { permutedRuns } from "@engram/memory/contracts/crash/permute";
import fc from "fast-check";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "5" }, seed: { type: "string" } },
});
/** Of one run, which takes some milliseconds. */
const RUN_TIMEOUT_MS = 30_000;

const minutes = Number(values.minutes);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error("--minutes is a number above 0, --seed a whole number");
  process.exit(2);
}

console.log(`seed ${seed}`);
const details = await fc.check(permutedRuns, {
  seed,
  numRuns: Number.MAX_SAFE_INTEGER,
  interruptAfterTimeLimit: minutes * 60_000,
  // One that never ends is a violation too; without this it would pass for the last one when the time is over.
  timeout: RUN_TIMEOUT_MS,
});
if (details.failed) console.error(fc.defaultReportMessage(details));
console.log(`${details.numRuns} runs, ${details.failed ? "a violation" : "no violation"}`);
process.exit(details.failed ? 1 : 0);
