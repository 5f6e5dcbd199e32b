/**
 * Child processes that cannot outlive us, and the folders that belong to them.
 *
 * Each child gets a guardian: a three-line shell that waits on a pipe from this process. A line on the pipe sends it home
 * (we stopped the child ourselves); the end of the pipe means that we are gone, for whatever reason, SIGKILL included, and
 * the guardian then ends the child by its pid and removes its folder. Exit handlers alone would miss exactly the bad days.
 */
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Long enough for PostgreSQL to write its last checkpoint on a busy machine; then SIGKILL. */
const STOP_TIMEOUT_MS = 10_000;
const READY_TIMEOUT_MS = 30_000;
const READY_POLL_MS = 25;
/** A free port may be taken between our look and the child's bind; three tries make that not worth thinking about. */
const PORT_TRIES_MAX = 3;
const RESTART_PAUSE_MS = 1_000;
const LOG_TAIL_CHARS = 4_000;

const GUARDIAN = `
read -r _ && exit 0
kill -s "$2" "$1" 2>/dev/null
i=0
while kill -0 "$1" 2>/dev/null && [ $i -lt 50 ]; do sleep 0.1; i=$((i+1)); done
kill -s KILL "$1" 2>/dev/null
rm -rf "$3"
`;

export type User = { readonly uid: number; readonly gid: number };

export type ProcessOptions = {
  readonly command: string;
  readonly args: readonly string[];
  /** Takes the log. Removed when we die, and by `stop` unless `keepDirectory`. */
  readonly directory: string;
  readonly keepDirectory?: boolean;
  readonly stopSignal: "SIGINT" | "SIGTERM";
  readonly user?: User | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
};

export type RunningProcess = {
  readonly pid: number;
  /** True once the child has ended, wanted or not. */
  readonly ended: () => boolean;
  /** The end of what it wrote, for error messages. */
  readonly log: () => string;
  /** Asks it to stop, insists after ten seconds, removes its folder. */
  readonly stop: () => Promise<void>;
  /** SIGKILL, as a crash would; its folder stays. */
  readonly kill: () => Promise<void>;
  /** Freezes it and lets it go on; nothing once it has ended. */
  readonly signal: (signal: "SIGSTOP" | "SIGCONT") => void;
};

/** Starts `command` in its own process group, its output in `directory`/log. Throws when it cannot be started at all. */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const logPath = join(options.directory, "log");
  const log = openSync(logPath, "a");
  const child = spawn(options.command, [...options.args], {
    stdio: ["ignore", log, log],
    detached: true,
    cwd: options.directory,
    ...options.user,
    env: { ...process.env, ...options.env },
  });
  closeSync(log);
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${options.command}: started without a pid`);
  child.unref();

  const signalName = options.stopSignal.slice("SIG".length);
  const guardian = spawn("sh", ["-c", GUARDIAN, "guardian", String(pid), signalName, options.directory], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
    cwd: "/",
  });
  guardian.on("error", () => undefined);
  guardian.stdin.on("error", () => undefined);
  guardian.unref();
  if ("unref" in guardian.stdin && typeof guardian.stdin.unref === "function") guardian.stdin.unref();

  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!ended()) {
      child.kill(signal);
      const insist = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await gone;
      clearTimeout(insist);
    }
    if (!guardian.stdin.writableEnded) guardian.stdin.end("done\n");
  };
  return {
    pid,
    ended,
    log: () => readLogTail(logPath),
    stop: async () => {
      await end(options.stopSignal);
      if (options.keepDirectory !== true) rmSync(options.directory, { recursive: true, force: true });
    },
    kill: () => end("SIGKILL"),
    signal: (signal) => {
      if (!ended()) child.kill(signal);
    },
  };
}

/**
 * Starts a server on a free loopback port and waits until `isReady` says so. A server that ends early is tried again on
 * another port; one that never gets ready is stopped, and the error carries the end of its log.
 */
export async function startServer(options: {
  readonly name: string;
  readonly start: (port: number) => Promise<RunningProcess>;
  readonly isReady: (port: number) => Promise<boolean>;
  /** Where it has to be, when somebody already knows its address. */
  readonly port?: number;
}): Promise<{ readonly port: number; readonly running: RunningProcess }> {
  let log = "";
  for (let attempt = 0; attempt < PORT_TRIES_MAX; attempt += 1) {
    // At a known address it was a restart: what is left of the process before needs a moment to go.
    if (attempt > 0 && options.port !== undefined) await sleep(RESTART_PAUSE_MS);
    const port = options.port ?? (await findFreePort());
    const running = await options.start(port);
    const deadline = Date.now() + READY_TIMEOUT_MS;
    while (!running.ended() && Date.now() < deadline) {
      if (await options.isReady(port)) return { port, running };
      await sleep(READY_POLL_MS);
    }
    log = running.log();
    const late = !running.ended();
    await running.kill();
    await running.stop();
    if (late) throw new Error(`${options.name}: not ready after ${READY_TIMEOUT_MS} ms\n${log}`);
  }
  throw new Error(`${options.name}: ended while starting\n${log}`);
}

/** A port of 127.0.0.1 that nobody listens on at this moment. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return address.port;
}

/** Sends `request` to a loopback port and gives the first piece of the answer, or "" when nobody answers. */
export async function ask(port: number, request: string | Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(request));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.once("data", (data) => {
      resolve(data.toString());
      socket.destroy();
    });
    socket.once("error", () => resolve(""));
    socket.once("close", () => resolve(""));
  });
}

function readLogTail(path: string): string {
  try {
    return readFileSync(path, "utf8").slice(-LOG_TAIL_CHARS);
  } catch {
    return "";
  }
}
