/** One stack under the drill: a copy of this checkout that stands for the guide's /opt, and what can be asked of it. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { until } from "./engine.ts";
import { must, run, type Outcome, type RunOptions } from "./shell.ts";

export interface Stack {
  /** The guide's /opt. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

export const API = "http://127.0.0.1:3456";
const ROOT = join(import.meta.dirname, "..", "..");
/** Of this machine alone, or made by an installation. */
const LEFT_OUT = new Set(["node_modules", "dist", ".git", ".env", "secrets", "data", "backups", "coverage"]);
/** What the compose files name, and so can be there only once on an engine. */
const CONTAINERS = [
  "mem0",
  "mem0-worker",
  "mem0-migrate",
  "mem0-volumes",
  "mem0-backup",
  "postgres",
  "qdrant",
  "redis",
  "caddy",
];
const VOLUMES = ["mem0_data", "postgres_data", "qdrant_storage", "redis_data"];
const ASK_MS = 70_000;

/** Throws where a stack is there already: the drill takes its volumes away. */
export async function refuseForeignStack(env: Stack["env"]): Promise<void> {
  const containers = (await must("docker", ["ps", "--all", "--format", "{{.Names}}"], { env })).split("\n");
  const volumes = (await must("docker", ["volume", "ls", "--quiet"], { env })).split("\n");
  const found = [
    ...containers.filter((name) => CONTAINERS.includes(name)),
    ...volumes.filter((name) => VOLUMES.includes(name)),
  ];
  if (found.length > 0)
    throw new Error(
      `This engine has a stack already (${found.join(", ")}), which the drill would destroy. Use another engine`,
    );
}

/** Copies the checkout. `DOMAIN_NAME` is localhost, for which Caddy makes certificates by itself. */
export function copyCheckout(folder: string): void {
  mkdirSync(folder, { recursive: true });
  cpSync(ROOT, folder, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) =>
      !relative(ROOT, path)
        .split("/")
        .some((part) => LEFT_OUT.has(part)),
  });
  const settings = readFileSync(join(ROOT, ".env.example"), "utf8");
  writeFileSync(join(folder, ".env"), `${settings}\nDOMAIN_NAME=localhost\nBACKUP_DIR=${join(folder, "backups")}\n`);
}

export function inFolder(stack: Stack, command: string, options: RunOptions = {}): Promise<Outcome> {
  return run("bash", ["-c", command], { ...options, cwd: stack.folder, env: { ...stack.env, ...options.env } });
}

/** The last value of a line of .env. */
export function setting(stack: Stack, name: string): string {
  const lines = readFileSync(join(stack.folder, ".env"), "utf8").split("\n");
  return (
    lines
      .findLast((line) => line.startsWith(`${name}=`))
      ?.slice(name.length + 1)
      .replaceAll(/["']/g, "") ?? ""
  );
}

/** The status of a container's health check; "running" where it has none, "missing" where there is no container. */
export async function healthOf(stack: Stack, container: string): Promise<string> {
  const format = "{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}";
  const { code, output } = await run("docker", ["inspect", "--format", format, container], { env: stack.env });
  return code === 0 ? output.trim() : "missing";
}

/** Waits until all are healthy; gives those that are not, each with its state. */
export async function waitForHealth(stack: Stack, containers: readonly string[], timeoutMs: number): Promise<string[]> {
  let unwell: string[] = [];
  await until(async () => {
    const states = await Promise.all(containers.map(async (name) => ({ name, state: await healthOf(stack, name) })));
    unwell = states.filter(({ state }) => state !== "healthy").map(({ name, state }) => `${name}: ${state}`);
    return unwell.length === 0;
  }, timeoutMs);
  return unwell;
}

/** Asks the API with its key. Throws on an answer that is none of 2xx. */
export async function ask(key: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(`${API}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(ASK_MS),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
  return text === "" ? undefined : JSON.parse(text);
}
