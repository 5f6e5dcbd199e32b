import { test } from "@jest/globals";
import { permutedRuns } from "@engram/memory/contracts/crash/permute";
import fc from "fast-check";

/* A few seconds of it; `npm run permute` goes on for as long as it is told. */
test("whatever the order of calls and answers, index = rows in the end", async () => {
  // A machine that is busy with other things tries fewer.
  await fc.assert(permutedRuns, { numRuns: 300, interruptAfterTimeLimit: 15_000, timeout: 30_000 });
}, 60_000);
