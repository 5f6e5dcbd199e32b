import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreePort } from "@engram/test-equipment";
import { serviceEnvironment } from "../service-environment.ts";

/** The root of the checkout. */
export const repository = join(import.meta.dirname, "..", "..");
const directories: string[] = [];
const children: ChildProcess[] = [];

/** An all-in-one process of a test's own, with a key that is `key`. */
export interface Started {
  readonly child: ChildProcess;
  readonly base: string;
  /** Its DATA_DIR and working directory. */
  readonly directory: string;
  output(): string;
}

/** Starts one in a folder of its own, unless `environment` names another's DATA_DIR. */
export async function start(environment: Record<string, string>): Promise<Started> {
  const directory = mkdtempSync(join(tmpdir(), "engram-start-"));
  directories.push(directory);
  const port = await findFreePort();
  const child = spawn(process.execPath, [join(repository, "services", "all-in-one", "dist", "main.js")], {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      ...serviceEnvironment(),
      DATA_DIR: directory,
      MEM0_PORT: String(port),
      METRICS_PORT: "0",
      MEM0_API_KEY: "key",
      ...environment,
    },
  });
  children.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data: Buffer) => (output += data.toString()));
  return { child, base: `http://127.0.0.1:${port}`, directory, output: () => output };
}

/** Stops what still runs of the processes that were started, and removes their folders. */
export async function stopStarted(): Promise<void> {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGTERM");
    await once(child, "exit");
  }
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
}

/** What /readyz says, with details; undefined while nobody answers. */
export async function readiness({
  base,
}: Started): Promise<{ status: number; problems: { code: string; message: string; cure: string }[] } | undefined> {
  const answer = await fetch(`${base}/readyz`, { headers: { "x-api-key": "key" } }).catch(() => undefined);
  if (answer === undefined) return undefined;
  const body = (await answer.json()) as { problems: { code: string; message: string; cure: string }[] };
  return { status: answer.status, problems: body.problems };
}
