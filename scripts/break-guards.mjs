// Takes the guards of the protocol away, one by one, in a copy of what is committed, and sees that the test which stands for
// each turns red. First all of those tests have to be green there. Exits with 1 when a guard is not missed, or its text is
// gone. Usage: npm run guards, or npm run guards -- WORD for those with the word in their name.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { guards } from "./guards.mjs";
import { root } from "./step.mjs";

const [word = ""] = process.argv.slice(2);
const chosen = guards.filter(({ guard }) => guard.includes(word));
const folder = mkdtempSync(join(tmpdir(), "engram-guards-"));
const copy = join(folder, "copy");
let child;
let isStopping = false;
for (const signal of ["SIGINT", "SIGTERM"])
  process.on(signal, () => {
    isStopping = true;
    child?.kill(signal);
  });

let survivors = 0;
try {
  prepareCopy();
  for (const one of chosen) {
    const verdict = isStopping ? "not tried" : await tryWithout(one);
    if (verdict !== undefined) survivors += 1;
    console.log(verdict === undefined ? `${one.guard} → ${one.tests.name}` : `BAD ${one.guard}: ${verdict}`);
  }
} finally {
  spawnSync("git", ["worktree", "remove", "--force", copy], { cwd: root });
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${chosen.length - survivors} guards are missed when they are gone, ${survivors} are not`);
process.exitCode = survivors > 0 || chosen.length === 0 ? 1 : 0;

function prepareCopy() {
  /** @type {[command: string, args: string[], cwd: string][]} */
  const steps = [
    ["git", ["worktree", "add", "--quiet", "--detach", copy, "HEAD"], root],
    // Any file without an effect of its own: what counts is that the packages are put in place.
    [process.execPath, ["scripts/run.mjs", "scripts/guards.mjs"], copy],
  ];
  for (const [command, args, cwd] of steps) {
    const { status } = spawnSync(command, args, { cwd, stdio: ["ignore", 2, 2] });
    if (status !== 0) throw new Error(`The copy could not be made: ${command} ${args.join(" ")}`);
  }
}

/** Why the guard's test stands for nothing; undefined: it turns red, and was green before. */
async function tryWithout({ file, text, broken, also = [], tests }) {
  const edits = [{ file, text, broken }, ...also];
  const wholes = new Map(edits.map((edit) => [edit.file, readFileSync(join(copy, edit.file), "utf8")]));
  const astray = edits.find((edit) => wholes.get(edit.file).split(edit.text).length !== 2);
  if (astray !== undefined) return `its text does not stand once in ${astray.file}`;
  const before = await runTests(tests);
  if (before.passed === 0 || before.failed > 0 || before.broken > 0) return `"${tests.name}" is not green with it`;
  for (const edit of edits) breakText(join(copy, edit.file), edit);
  const after = await runTests(tests);
  for (const [name, whole] of wholes) writeFileSync(join(copy, name), whole);
  if (after.broken > 0) return `${tests.path} did not run without it`;
  return after.failed > 0 ? undefined : `"${tests.name}" stays green without it`;
}

function breakText(path, { text, broken }) {
  // A function, because a string's dollar signs would mean something.
  writeFileSync(
    path,
    readFileSync(path, "utf8").replace(text, () => broken),
  );
}

/** @returns {Promise<{ passed: number, failed: number, broken: number }>} `broken`: files that did not run. */
async function runTests({ path, name }) {
  const file = join(folder, "report.json");
  rmSync(file, { force: true });
  const flags = ["--experimental-vm-modules", "--no-warnings"];
  const args = ["node_modules/jest/bin/jest.js", path, "-t", name, "--silent", "--json", `--outputFile=${file}`];
  child = spawn(process.execPath, [...flags, ...args], { cwd: copy, stdio: "ignore" });
  await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (!existsSync(file)) return { passed: 0, failed: 0, broken: 1 };
  const report = JSON.parse(readFileSync(file, "utf8"));
  return { passed: report.numPassedTests, failed: report.numFailedTests, broken: report.numRuntimeErrorTestSuites };
}
