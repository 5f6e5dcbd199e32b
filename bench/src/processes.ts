/** The servers that are measured: each in a process of its own, its output in a file, none outliving the run. */
import { fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findFreePort } from "@engram/test-equipment";
import { KEY } from "./connection.ts";

const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 50;
const STOP_TIMEOUT_MS = 12_000;
const LOG_TAIL_CHARS = 2_000;

const repository = new URL("../../", import.meta.url);
const running = new Set<ChildProcess>();

/** One folder for the logs and data of this run. */
export const scratch = mkdtempSync(join(tmpdir(), "engram-bench-"));
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(scratch, { recursive: true, force: true });
});
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)
  process.on(signal, () => process.exit(code));

export interface Service {
  readonly pid: number;
  /** Where it listens; of a worker, where its metrics are. */
  readonly url: string;
  stop(): Promise<void>;
}

export type ServiceName = "api" | "worker" | "all-in-one";

/** Variables of ours that the caller's shell may hold: a run must not depend on them. */
const OURS =
  /^(MEM0_|DATABASE_|REDIS_|QDRANT_|OPENAI_|OUTBOX_|EMBEDDING_|LLM_|METRICS_|WORKER_|LOG_|DATA_DIR|PORT$|NODE_OPTIONS$)/;

/** Starts a service from its build with `env` over the defaults, and waits until it is ready. */
export async function startService(name: ServiceName, env: Readonly<Record<string, string>>): Promise<Service> {
  const [port, metricsPort] = [await findFreePort(), await findFreePort()];
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([variable]) => !OURS.test(variable)));
  const log = join(scratch, `${name}-${port}.log`);
  const output = openSync(log, "a");
  const main = fileURLToPath(new URL(`services/${name}/dist/main.js`, repository));
  const flags = (process.env["BENCH_NODE_FLAGS"] ?? "").split(" ").filter((flag) => flag !== "");
  const child = spawn(process.execPath, [...flags, main], {
    // No .env of the caller's is to be read.
    cwd: scratch,
    stdio: ["ignore", output, output],
    env: {
      ...inherited,
      ...serviceEnvironment(),
      MEM0_PORT: String(port),
      MEM0_API_KEY: KEY,
      METRICS_PORT: String(metricsPort),
      DATA_DIR: join(scratch, `${name}-${port}`),
      ...env,
    },
  });
  closeSync(output);
  const pid = await adopt(child);
  const url = `http://127.0.0.1:${name === "worker" ? metricsPort : port}`;
  const isUp = name === "worker" ? () => answers(`${url}/metrics`) : () => answers(`${url}/readyz`);
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!(await isUp())) {
    if (child.exitCode !== null || Date.now() > deadline)
      throw new Error(`${name} did not get ready:\n${readFileSync(log, "utf8").slice(-LOG_TAIL_CHARS)}`);
    await sleep(READY_POLL_MS);
  }
  return { pid, url, stop: () => stop(child) };
}

/** Starts a TypeScript file of this folder that tells its parent `{ url }` once it listens. */
export async function startScript(file: string, args: readonly string[] = []): Promise<Service> {
  const child = forkScript(file, args);
  const pid = await adopt(child);
  const [message] = (await once(child, "message")) as [{ url: string }];
  return { pid, url: message.url, stop: () => stop(child) };
}

/** Forks a TypeScript file of this folder; it is ended with the run. */
export function forkScript(file: string, args: readonly string[] = []): ChildProcess {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [...args], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

/** What `npm start` and the image start a service with. */
export function serviceEnvironment(): Readonly<Record<string, string>> {
  const { config } = JSON.parse(readFileSync(new URL("package.json", repository), "utf8")) as {
    config: { environment: Record<string, string> };
  };
  return config.environment;
}

async function adopt(child: ChildProcess): Promise<number> {
  running.add(child);
  child.once("exit", () => running.delete(child));
  if (child.pid === undefined) await once(child, "spawn");
  if (child.pid === undefined) throw new Error("a child started without a pid");
  return child.pid;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const insist = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await gone;
  clearTimeout(insist);
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { headers: { connection: "close" } })).ok;
  } catch {
    return false;
  }
}
