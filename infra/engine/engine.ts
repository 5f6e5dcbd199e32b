/** A Docker engine for the drill: the one that answers here, or, as root where dockerd is installed, one of our own. */
import { spawn } from "node:child_process";
import { mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "./shell.ts";
import type { Undo } from "./undo.ts";

export interface Engine {
  /** For `DOCKER_HOST`; undefined: the one that docker finds by itself. */
  readonly host: string | undefined;
}

const READY_MS = 60_000;
const STOP_MS = 60_000;
const KILL_MS = 5_000;
const POLL_MS = 500;

/** Throws, naming the cure, where there is none and none can be started. */
export async function findEngine(folder: string, undo: Undo): Promise<Engine> {
  const answers = await run("docker", ["info"], { timeoutMs: 10_000 });
  if (answers.code === 0) return { host: undefined };
  if (process.getuid?.() !== 0 || (await run("dockerd", ["--version"])).code !== 0)
    throw new Error("No Docker engine answers (DOCKER_HOST), and only root, with dockerd installed, can start one");
  return startEngine(folder, undo);
}

/** Without touching the machine's packet filter: containers reach each other and are published, and do not reach the outside. */
async function startEngine(folder: string, undo: Undo): Promise<Engine> {
  mkdirSync(folder, { recursive: true });
  const host = `unix://${join(folder, "docker.sock")}`;
  const log = openSync(join(folder, "docker.log"), "a");
  const args = ["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec"), "--host", host];
  const child = spawn(
    "dockerd",
    [...args, "--pidfile", join(folder, "docker.pid"), "--iptables=false", "--bridge=none"],
    { stdio: ["ignore", log, log], detached: true },
  );
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  undo.add("dockerd", async () => {
    child.kill("SIGTERM");
    if (await endsWithin(ended, STOP_MS)) return;
    child.kill("SIGKILL");
    await endsWithin(ended, KILL_MS);
    throw new Error(`it did not stop within ${STOP_MS / 1000} s and was killed`);
  });
  const isReady = async (): Promise<boolean> => (await run("docker", ["--host", host, "info"])).code === 0;
  if (!(await until(isReady, READY_MS))) throw new Error(`dockerd does not come up; see ${join(folder, "docker.log")}`);
  return { host };
}

async function endsWithin(ended: Promise<void>, timeoutMs: number): Promise<boolean> {
  const timer = new AbortController();
  const isInTime = await Promise.race([
    ended.then(() => true),
    sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false),
  ]);
  timer.abort();
  return isInTime;
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
