import { MemoryError } from "@engram/memory";

/** What the code asks of Node's built-ins; `scripts/run.mjs` and the image bring a newer one. */
const MAJOR_MIN = 22;

/**
 * Throws where Node is too old to serve: an older one would start, and fail the first search for a function that it has not.
 * `version`: as `process.versions.node` has it.
 */
export function checkNodeVersion(version: string): void {
  if (Number.parseInt(version, 10) < MAJOR_MIN)
    throw new MemoryError(
      "unsupported",
      `Engram needs Node ${MAJOR_MIN} or newer, and this is ${version}. Start it with npm start, which brings one, or install a newer one.`,
    );
}
