/**
 * The shipped files on a real Docker engine: infra/setup.sh, every container killed, the guide's commands, loss and restore,
 * and the other ways to start. Ends non-zero when a line fails.
 *
 *   npm run engine -- [--stand-ins] [--only setup,kill,restore,scale,operations,guide,page,variants,old] [--keep]
 *
 * On the engine that `docker` reaches, or, as root with dockerd installed, on one of its own that goes again. `--stand-ins`
 * makes images under the names of the files (stand-ins.ts) where none can be pulled. `--keep` leaves the scratch folder
 * (ENGRAM_ENGINE_FOLDER), with what was built, for the next run. It wants ports 80, 443 and 3456, and an engine without a stack.
 */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { findTool } from "../../test-equipment/src/tools.ts";
import { findEngine } from "./engine.ts";
import type { Names } from "./guide/command.ts";
import { installation } from "./guide/install.ts";
import { maintenance } from "./guide/maintenance.ts";
import { readPage, type MARKS } from "./guide/page.ts";
import { trouble } from "./guide/trouble.ts";
import { followGuide, killEach, loseAndRestore, RUNNING, setUp, trustCaddy } from "./parts.ts";
import { findDevices, removeFolder } from "./scratch.ts";
import { abandonAll, must, run } from "./shell.ts";
import { copyCheckout, inFolder, refuseForeignStack, type Stack } from "./stack.ts";
import { buildStandIns } from "./stand-ins.ts";
import { Undo } from "./undo.ts";
import { keyOf, scale, setupVariants, tryOldCompose, tryVariant, useOnce } from "./variants.ts";
import { isWell, toTable, type Verdict } from "./verdicts.ts";

const PARTS = ["setup", "kill", "restore", "scale", "operations", "guide", "page", "variants", "old"] as const;
const BUILD_MS = 20 * 60_000;
const DOWN_MS = 180_000;
/** The containers that the guide's stack has: Engram is one of them, and has no worker apart. */
const BESIDE = ["mem0", "postgres", "qdrant", "caddy"] as const;

const { values: options } = parseArgs({
  options: {
    "stand-ins": { type: "boolean", default: false },
    only: { type: "string", default: PARTS.join(",") },
    keep: { type: "boolean", default: false },
  },
});
const only = options.only.split(",");
const unknown = only.filter((part) => !PARTS.some((one) => one === part));
if (unknown.length > 0) throw new Error(`--only: there is no ${unknown.join(", ")}; there are ${PARTS.join(", ")}`);
const verdicts: Verdict[] = [];
const started = Date.now();
const devices = findDevices();
await main();

async function main(): Promise<void> {
  const undo = new Undo();
  let isInterrupted = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      // A terminal tells the whole group, and who has started us tells us once more.
      if (isInterrupted) return;
      isInterrupted = true;
      abandonAll();
      void end(undo).finally(() => process.exit(1));
    });
  try {
    const stack = await prepare(undo);
    await buildImages(stack);
    await drill(stack);
  } catch (error) {
    report({ part: "drill", what: "the drill itself", verdict: "FAILED", note: String(error) });
  }
  await end(undo);
  const minutes = ((Date.now() - started) / 60_000).toFixed(0);
  process.stdout.write(`${toTable(verdicts)}, ${minutes} min\n`);
  process.exitCode = isWell(verdicts) ? 0 : 1;
}

/** An engine without a stack, and what may be made on it: each is taken away again. */
async function prepare(undo: Undo): Promise<Stack> {
  const folder = process.env["ENGRAM_ENGINE_FOLDER"] ?? mkdtempSync(join(tmpdir(), "engram-engine-"));
  undo.add("the scratch folder", () => (options.keep ? Promise.resolve() : removeFolder(folder)));
  const engine = await findEngine(join(folder, "engine"), undo);
  const env = { ...(engine.host === undefined ? {} : { DOCKER_HOST: engine.host }), ...(await findCompose(folder)) };
  await refuseForeignStack(env);
  const stack = { folder: join(folder, "opt"), env };
  mkdirSync(stack.folder, { recursive: true });
  undo.add("the stack", () => takeDown(stack));
  return stack;
}

/** Nothing stays behind, however it ended. */
async function end(undo: Undo): Promise<void> {
  const faults = await undo.run();
  const left = findDevices().filter((name) => !devices.includes(name));
  report({
    part: "end",
    what: "containers, volumes, network, engine and scratch folder are taken away",
    verdict: faults.length === 0 && left.length === 0 ? "ok" : "FAILED",
    note: [...faults, ...left].join("; "),
  });
}

/** The plugin for `docker compose`, where docker has none: in a configuration folder of our own. */
async function findCompose(folder: string): Promise<Record<string, string>> {
  // Images are built by the engine itself, which every docker can ask for and every engine keeps layers of.
  const builder = { DOCKER_BUILDKIT: "0" };
  if ((await run("docker", ["compose", "version"])).code === 0) return builder;
  const program = await findTool("docker-compose-v2");
  if (program === undefined) throw new Error("docker compose (v2) is not there and cannot be had");
  const plugins = join(folder, "docker", "cli-plugins");
  mkdirSync(plugins, { recursive: true });
  copyFileSync(program, join(plugins, "docker-compose"));
  chmodSync(join(plugins, "docker-compose"), 0o755);
  return { ...builder, DOCKER_CONFIG: join(folder, "docker") };
}

/** Beforehand, so that what `setup.sh` takes is the start, and so that a build here may use the machine's own network. */
async function buildImages(stack: Stack): Promise<void> {
  if (options["stand-ins"]) await buildStandIns({ env: stack.env, folder: dirname(stack.folder) });
  rmSync(stack.folder, { recursive: true, force: true });
  copyCheckout(stack.folder);
  await limitFiles(stack);
  const network = options["stand-ins"] ? ["--network", "host"] : [];
  const begun = Date.now();
  await must("docker", ["build", ...network, "--tag", "engram:local", stack.folder], {
    env: stack.env,
    timeoutMs: BUILD_MS,
  });
  const size = await must("docker", ["image", "inspect", "--format", "{{.Size}}", "engram:local"], { env: stack.env });
  const seconds = ((Date.now() - begun) / 1000).toFixed(0);
  report({
    part: "image",
    what: "docker build",
    verdict: "ok",
    note: `${Math.round(Number(size) / 1e6)} MB, ${seconds} s`,
  });
  await findCompiled(stack);
}

/** What is in the image runs on every processor that its base is there for, amd64 and arm64, as long as none of it is compiled. */
async function findCompiled({ env }: Stack): Promise<void> {
  const find = "find /app -type f -name '*.node' -o -type f -name '*.so' -o -type f -name '*.so.*'";
  const args = ["run", "--rm", "--network=none", "--entrypoint=sh", "engram:local", "-c", find];
  const found = await must("docker", args, { env });
  report({ part: "image", what: "no compiled code in /app", verdict: found === "" ? "ok" : "FAILED", note: found });
}

/** An engine inside of a container may not raise the limit of open files. */
async function limitFiles(stack: Stack): Promise<void> {
  const most = Number(await must("sh", ["-c", "ulimit -H -n | sed s/unlimited/1048576/"]));
  if (most >= 65_536) return;
  const file = join(stack.folder, ".env");
  writeFileSync(file, `${readFileSync(file, "utf8")}QDRANT_FILES_MAX=${most}\n`);
}

async function drill(stack: Stack): Promise<void> {
  const compose = "docker compose";
  // The others begin where it has ended.
  if (["setup", "kill", "restore", "scale", "operations", "guide", "page"].some((part) => only.includes(part))) {
    if (!(await setUp(stack, report))) return;
    if (only.includes("kill")) await killEach(stack, report);
    if (only.includes("restore")) await loseAndRestore(stack, report, compose);
    if (only.includes("scale")) await scale(stack, report, compose);
    if (only.includes("operations")) await followPage(stack, "engine", RUNNING);
    if (["operations", "guide", "page"].some((part) => only.includes(part))) await guide(stack);
    await takeDown(stack);
  }
  for (const variant of only.includes("variants") ? setupVariants(compose) : []) {
    freshSettings(stack);
    await limitFiles(stack);
    await tryVariant(stack, report, variant, async () => {
      if (variant.name === "hardened") await followPage(stack, "engine hardened", variant.containers);
    });
  }
  if (!only.includes("old")) return;
  freshSettings(stack);
  await limitFiles(stack);
  await inFolder(stack, "sh infra/setup.sh --no-start");
  await tryOldCompose(stack, report);
}

/** The guide's own layout: Engram in one container beside PostgreSQL, Qdrant and Caddy that are there. */
async function guide(stack: Stack): Promise<void> {
  await inFolder(stack, "docker rm -f mem0 mem0-worker $(docker ps -aq --filter name=more)", { timeoutMs: DOWN_MS });
  if (!(await setUp(stack, report, { options: `--beside ${stack.folder}`, containers: BESIDE }))) return;
  await useOnce(stack, report, "beside");
  const names = await namesOf(stack);
  const trusting = await trustCaddy(stack);
  if (only.includes("guide")) {
    for (const chapter of [installation, maintenance, trouble])
      await followGuide(trusting, report, chapter, { names, waitFor: BESIDE });
    await useOnce(stack, report, "guide");
  }
  if (only.includes("page")) {
    await followGuide(trusting, report, readPage("page"), { names, waitFor: BESIDE });
    await useOnce(stack, report, "page");
  }
  // It ends with `down`.
  if (only.includes("operations")) await followPage(stack, "engine beside", BESIDE);
}

/** The blocks of docs/operations.md that are of this stack. */
async function followPage(stack: Stack, mark: (typeof MARKS)[number], waitFor: readonly string[]): Promise<void> {
  await followGuide(stack, report, readPage("operations", mark), { names: await namesOf(stack), waitFor });
}

async function namesOf(stack: Stack): Promise<Names> {
  const key = await keyOf(stack);
  const date = (await inFolder(stack, "date +%Y%m%d")).output.trim();
  return { folder: stack.folder, domain: "localhost", key, password: `${key.slice(0, 20)}new`, date };
}

/** As on the first day: other settings would find no volumes of theirs. */
function freshSettings(stack: Stack): void {
  for (const name of [".env", "secrets", "backups"]) rmSync(join(stack.folder, name), { recursive: true, force: true });
  copyCheckout(stack.folder);
}

async function takeDown(stack: Stack): Promise<void> {
  const containers = "docker ps --all --quiet --filter network=app-network";
  const asCleanup = { timeoutMs: DOWN_MS, isCleanup: true } as const;
  await inFolder(stack, `docker rm --force --volumes $(${containers}) mem0-volumes mem0-migrate`, asCleanup);
  await inFolder(stack, "docker network rm app-network", asCleanup);
  const volumes = "mem0_data postgres_data qdrant_storage qdrant_snapshots redis_data caddy_data caddy_config";
  await inFolder(stack, `docker volume rm --force ${volumes}`, asCleanup);
}

/** Told at once, since a whole drill takes its time. */
function report(verdict: Verdict): void {
  verdicts.push(verdict);
  const seconds = Math.round((Date.now() - started) / 1000);
  const clock = `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
  process.stderr.write(`${clock}  ${toTable([verdict]).split("\n")[0] ?? ""}\n`);
}
