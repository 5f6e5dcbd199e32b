// Everything that can fail, in order, each part timed: build, types, lint, format, the alerts, all tests of the sources with real
// services, the acceptance suite over both ways to run Engram, and a short storm. Goes on after a bad part. The last line is
// `N passed, N failed`.
// Usage: npm test, or npm test -- JEST_ARGUMENTS for some tests of the sources alone.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { build, format, lint, types } from "./checks.mjs";
import { root, runJest, runNode, signalRunning, step } from "./step.mjs";

/** The same storm in every run that decides about a change. */
const ciSeed = 20_261;
const storeCount = 4;

const jestArguments = process.argv.slice(2);
const results = mkdtempSync(join(tmpdir(), "engram-test-"));
/** @type {{ passed: number, failed: number, skipped: number, names: string[] }} */
const totals = { passed: 0, failed: 0, skipped: 0, names: [] };
let interrupted;

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    interrupted = signal;
    signalRunning(signal);
  });
}

await countStep("build", build);
await countStep("types of the tests", types);
await countStep("lint", lint);
await countStep("format", format);
await countMonitoring();

let equipment;
await countStep("services for the tests", async () => {
  const { startEquipment } = await import("../test-equipment/src/index.ts");
  equipment = await startEquipment({ postgres: true, redis: true, qdrant: true, openai: true });
  return true;
});
try {
  await countTests("tests of the sources", jestArguments, {});
  if (jestArguments.length === 0) {
    for (const target of ["embedded", "stack"]) {
      const config = ["--config", "acceptance/jest.config.mjs"];
      await countTests(`acceptance, ${target}`, config, { ENGRAM_TARGET: target });
    }
    await countStorm();
  }
} finally {
  await equipment?.stop();
  rmSync(results, { recursive: true, force: true });
}
conclude();

async function countStep(title, work) {
  if (interrupted || (await step(title, work))) return;
  addFailure(title);
}

/** The configuration and the alerts of Prometheus. Without promtool they are skipped aloud, in CI they fail. */
async function countMonitoring() {
  if (interrupted) return;
  const title = "Prometheus configuration and alerts";
  const { fetchPromtool } = await import("../test-equipment/src/index.ts");
  const missing = await fetchPromtool().then(
    () => undefined,
    (error) => error,
  );
  if (missing !== undefined && process.env.CI !== "true") {
    process.stderr.write(`PROMETHEUS CONFIGURATION AND ALERTS SKIPPED: ${missing.message}\n`);
    totals.skipped += 1;
    return;
  }
  const { monitoring } = await import("./monitoring.mjs");
  if (await step(title, monitoring)) totals.passed += 1;
  else addFailure(title);
}

/** Runs jest and adds up what it found; a suite that did not run counts as one failed test. */
async function countTests(title, args, env) {
  if (interrupted) return;
  const file = join(results, `${title.replace(/\W+/g, "-")}.json`);
  const failedBefore = totals.failed;
  const isWell = await step(title, () =>
    runJest([...args, "--json", `--outputFile=${file}`], { env: { ...env, ...equipment?.env } }),
  );
  if (existsSync(file)) addReport(title, JSON.parse(readFileSync(file, "utf8")));
  // No report, or trouble outside the tests: in the setup, in the teardown, something left running.
  if (!isWell && totals.failed === failedBefore) addFailure(title);
}

/** Most of a minute of the storm, as one test. It brings its own stores, from where those of the tests came. */
async function countStorm() {
  if (interrupted) return;
  const title = "storm";
  if (Object.keys(equipment?.env ?? {}).length < storeCount) {
    process.stderr.write("STORM SKIPPED: a service for the tests is missing, see above\n");
    totals.skipped += 1;
    return;
  }
  const seed = process.env.CI === "true" ? ciSeed : Date.now() % 1_000_000;
  const args = ["--seed", String(seed), "--minutes", "0.7", "--quiet"];
  if (await step(title, () => runNode("acceptance/faults/storm.ts", args))) totals.passed += 1;
  else addFailure(`${title} with seed ${seed}`);
}

function addReport(title, report) {
  totals.passed += report.numPassedTests;
  totals.skipped += report.numPendingTests + report.numTodoTests;
  totals.failed += report.numFailedTests + report.numRuntimeErrorTestSuites;
  for (const suite of report.testResults) {
    const failed = suite.assertionResults.filter((test) => test.status === "failed");
    const isBroken = suite.status === "failed" && failed.length === 0;
    const file = suite.name.replace(root, "");
    if (isBroken) totals.names.push(`${title}: ${file} did not run`);
    for (const test of failed) totals.names.push(`${title}: ${file}: ${test.fullName}`);
  }
}

function addFailure(title) {
  totals.failed += 1;
  totals.names.push(title);
}

function conclude() {
  const { passed, failed, skipped, names } = totals;
  if (names.length > 0) process.stderr.write(`\nFailed:\n${names.map((name) => `  ${name}\n`).join("")}`);
  process.stderr.write("\n");
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  if (interrupted) process.exit(128 + constants.signals[interrupted]);
  process.exit(failed > 0 || passed === 0 ? 1 : 0);
}
