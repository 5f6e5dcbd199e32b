// What can be said of the code without running the service. Each check tells whether all is well, and prints why not.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { findWrongArrows } from "./arrows.mjs";
import { root, runJest, runNode } from "./step.mjs";

const quiet = true;
/** The linter reads types only in folders that it is told by name. */
const lintedFolders = ["packages", "services", "test-equipment", "acceptance", "bench", "infra", "scripts"];

/** Build, and the types of what is built. */
export function build() {
  return runNode("node_modules/typescript/bin/tsc", ["-b"], { quiet });
}

/** The types of the tests, the benches and the equipment, which are not built. */
export function types() {
  return runNode("node_modules/typescript/bin/tsc", ["--noEmit", "-p", "tsconfig.check.json"], { quiet });
}

export function lint() {
  const folders = lintedFolders.filter((folder) => existsSync(join(root, folder)));
  return runNode("node_modules/oxlint/bin/oxlint", ["--type-aware", ...folders], { quiet });
}

export function format() {
  return runNode("node_modules/prettier/bin/prettier.cjs", ["--check", "--log-level=warn", "."], { quiet });
}

/** Files, exports and dependencies that nothing uses. */
export function unused() {
  return runNode("node_modules/knip/bin/knip.js", ["--no-config-hints"], { quiet });
}

/** Which package imports which. */
export async function arrows() {
  const folders = ["packages", "services"].flatMap((parent) =>
    readdirSync(join(root, parent))
      .map((name) => `${parent}/${name}`)
      .filter((folder) => existsSync(join(root, folder, "package.json"))),
  );
  const faults = findWrongArrows(root, folders);
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  return faults.length === 0;
}

/** The tests beside the sources and those of the domain, which need no service. */
export function unitTests() {
  const places = ["**/src/**/*.test.ts", "**/packages/memory/test/**/*.test.ts"];
  return runJest(["--testMatch", ...places], { quiet, env: { ENGRAM_TEST_EQUIPMENT: "none" } });
}
