/** A Docker engine for the drill: the one that answers here, or, as root where dockerd is installed, one of our own. */
import { spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "./shell.ts";

export interface Engine {
  /** For `DOCKER_HOST`; undefined: the one that docker finds by itself. */
  readonly host: string | undefined;
  readonly isOwn: boolean;
  readonly stop: () => Promise<void>;
}

const READY_MS = 60_000;
const STOP_MS = 60_000;
const POLL_MS = 500;

/** Throws, naming the cure, where there is none and none can be started. */
export async function findEngine(folder: string): Promise<Engine> {
  const answers = await run("docker", ["info"], { timeoutMs: 10_000 });
  if (answers.code === 0) return { host: undefined, isOwn: false, stop: async () => undefined };
  if (process.getuid?.() !== 0 || (await run("dockerd", ["--version"])).code !== 0)
    throw new Error("No Docker engine answers (DOCKER_HOST), and only root, with dockerd installed, can start one");
  return startEngine(folder);
}

/** Without touching the machine's packet filter: containers reach each other and are published, and do not reach the outside. */
async function startEngine(folder: string): Promise<Engine> {
  mkdirSync(folder, { recursive: true });
  const host = `unix://${join(folder, "docker.sock")}`;
  const pidFile = join(folder, "docker.pid");
  const log = openSync(join(folder, "docker.log"), "a");
  const args = ["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec"), "--host", host];
  const child = spawn("dockerd", [...args, "--pidfile", pidFile, "--iptables=false", "--bridge=none"], {
    stdio: ["ignore", log, log],
    detached: true,
  });
  child.unref();
  const isReady = async (): Promise<boolean> => (await run("docker", ["--host", host, "info"])).code === 0;
  if (!(await until(isReady, READY_MS))) throw new Error(`dockerd does not come up; see ${join(folder, "docker.log")}`);
  return { host, isOwn: true, stop: () => stopEngine(pidFile) };
}

async function stopEngine(pidFile: string): Promise<void> {
  const pid = Number(readFileSync(pidFile, "utf8"));
  process.kill(pid, "SIGTERM");
  const hasEnded = await until(async () => !isRunning(pid), STOP_MS);
  if (!hasEnded) throw new Error(`dockerd (${pid}) does not stop`);
  rmSync(pidFile, { force: true });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Whether it came true in time. */
export async function until(condition: () => Promise<boolean>, timeoutMs: number, pollMs = POLL_MS): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (await condition()) return true;
    if (Date.now() > deadline) return false;
    await sleep(pollMs);
  }
}
