import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestDatabase, findFreePort, startEquipment } from "@engram/test-equipment";
import { serviceEnvironment } from "./service-environment.ts";
import { startHostedDatabase } from "./supabase.ts";
import type { Target, TargetProcess } from "./target.ts";
import { until } from "./until.ts";

/** A started service and the way to end it. */
export interface Running {
  target: Target;
  /** Ends every process gracefully and removes what the run left; throws if a process would not stop in peace. */
  stop(): Promise<void>;
}

/** A first start may have to prepare a data folder. */
const readyTimeoutMs = 90_000;
/** A graceful stop finishes running jobs; past this it is a hang. */
const stopTimeoutMs = 30_000;
const logTailLines = 40;

/** The only variables of the surroundings that a process under test gets to see. */
const passedOn = ["PATH", "HOME", "USER", "TMPDIR", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH"];

const repository = join(import.meta.dirname, "..");
type Environment = Record<string, string>;

interface Child {
  facts: TargetProcess;
  /** Address of the API; undefined for a worker. */
  base?: string;
  process: ChildProcess;
}

/** Starts the service as `kind` says: `embedded`, `stack`, `supabase`, or `running` for one that ENGRAM_URL already points to. */
export async function startTarget(kind: string): Promise<Running> {
  switch (kind) {
    case "embedded":
      return startEmbedded();
    case "stack":
      return startStack();
    case "supabase":
      return startSupabase();
    case "running":
      return alreadyRunning();
    default:
      throw new Error(`ENGRAM_TARGET=${kind}: expected embedded, stack, supabase or running`);
  }
}

async function startEmbedded(): Promise<Running> {
  const run = new Run("embedded");
  return run.start(async () => {
    await run.spawn("all-in-one", "all-in-one", {});
    return {};
  });
}

async function startStack(): Promise<Running> {
  const run = new Run("stack");
  return run.start(async () => {
    const equipment = await startEquipment({ postgres: true, redis: true, qdrant: true, openai: true });
    run.atEnd(() => equipment.stop());
    const database = await createTestDatabase(need(equipment.env, "ENGRAM_TEST_DATABASE_URL"));
    run.atEnd(() => database.drop());
    const qdrantUrl = need(equipment.env, "ENGRAM_TEST_QDRANT_URL");
    const openaiUrl = need(equipment.env, "ENGRAM_TEST_OPENAI_URL");
    const collection = `acceptance_${randomBytes(6).toString("hex")}`;
    const environment = {
      DATABASE_URL: database.url,
      REDIS_URL: need(equipment.env, "ENGRAM_TEST_REDIS_URL"),
      QDRANT_URL: qdrantUrl,
      MEM0_COLLECTION_NAME: collection,
      OPENAI_BASE_URL: openaiUrl,
      OPENAI_API_KEY: "sk-test",
      EMBEDDING_MODEL: "text-embedding-3-small",
    };
    // All four at once, as an orchestrator would: the first one to hold the lock migrates, the others wait for it.
    await run.spawn("api-1", "api", environment);
    await run.spawn("api-2", "api", environment);
    await run.spawn("worker-1", "worker", environment);
    await run.spawn("worker-2", "worker", environment);
    return { databaseUrl: database.url, qdrantUrl, openaiUrl, collection };
  });
}

/** One process, and one database behind TLS and a pooler, with vectors in it: guide S0. */
async function startSupabase(): Promise<Running> {
  const run = new Run("supabase");
  return run.start(async () => {
    const database = await startHostedDatabase();
    run.atEnd(() => database.stop());
    const equipment = await startEquipment({ openai: true });
    run.atEnd(() => equipment.stop());
    const openaiUrl = need(equipment.env, "ENGRAM_TEST_OPENAI_URL");
    await run.spawn("all-in-one", "all-in-one", {
      MEM0_DATABASE_URL: `${database.url}?sslmode=verify-full&sslrootcert=${database.certificateFile}`,
      OPENAI_BASE_URL: openaiUrl,
      OPENAI_API_KEY: "sk-test",
    });
    return { databaseUrl: database.adminUrl, openaiUrl };
  });
}

async function alreadyRunning(): Promise<Running> {
  const bases = need(process.env, "ENGRAM_URL")
    .split(",")
    .map((url) => url.trim().replace(/\/$/, ""));
  const key = need(process.env, "ENGRAM_KEY");
  return { target: { kind: "running", bases, key, secondKey: "", processes: [] }, stop: async () => {} };
}

/** One run: its folder, its keys, its processes, and what is to be undone at the end. */
class Run {
  readonly kind: "embedded" | "stack" | "supabase";
  readonly directory = mkdtempSync(join(tmpdir(), "engram-acceptance-"));
  readonly keys = ["one", "two"].map((name) => `key-${name}-${randomBytes(12).toString("hex")}`);
  readonly children: Child[] = [];
  readonly undo: (() => Promise<void>)[] = [];
  readonly killAll = (): void => this.children.forEach((child) => child.process.kill("SIGKILL"));
  readonly abort = (): void => process.exit(128 + 15);

  constructor(kind: "embedded" | "stack" | "supabase") {
    this.kind = kind;
    // An aborted run must not leave services behind.
    process.once("exit", this.killAll);
    process.once("SIGTERM", this.abort);
  }

  /** Runs `bring`, waits until everything is ready, and gives the target; undoes all of it when that fails. */
  async start(bring: () => Promise<Partial<Target>>): Promise<Running> {
    try {
      const more = await bring();
      await Promise.all(this.children.map((child) => this.ready(child)));
      const target: Target = {
        kind: this.kind,
        bases: this.children.flatMap((child) => child.base ?? []),
        key: this.keys[0] ?? "",
        secondKey: this.keys[1] ?? "",
        processes: this.children.map((child) => child.facts),
        ...more,
      };
      return { target, stop: () => this.stop() };
    } catch (error) {
      this.killAll();
      await this.clear();
      throw error;
    }
  }

  atEnd(action: () => Promise<void>): void {
    this.undo.unshift(action);
  }

  /** Starts `services/SERVICE/dist/main.js` with nothing but `environment` and what every process gets. */
  async spawn(name: string, service: TargetProcess["role"], environment: Environment): Promise<void> {
    // Its own empty working directory, so that no .env of the checkout is read.
    const directory = join(this.directory, name);
    mkdirSync(directory);
    const [port, metricsPort] = [await findFreePort(), await findFreePort()];
    const [stdout, stderr] = [join(directory, "stdout.log"), join(directory, "stderr.log")];
    const [out, err] = [openSync(stdout, "a"), openSync(stderr, "a")];
    const child = spawn(process.execPath, [join(repository, "services", service, "dist", "main.js")], {
      cwd: directory,
      stdio: ["ignore", out, err],
      env: {
        ...surroundings(),
        ...serviceEnvironment(),
        DATA_DIR: join(directory, "data"),
        MEM0_HOST: "127.0.0.1",
        MEM0_PORT: String(port),
        METRICS_PORT: String(metricsPort),
        MEM0_API_KEY: this.keys.join(","),
        LOG_LEVEL: "info",
        ...environment,
      },
    });
    closeSync(out);
    closeSync(err);
    this.children.push({
      process: child,
      facts: { name, role: service, stdout, stderr, metricsUrl: `http://127.0.0.1:${metricsPort}/metrics` },
      ...(service === "worker" ? {} : { base: `http://127.0.0.1:${port}` }),
    });
  }

  /** Waits until an API says it is ready, or a worker shows its metrics. */
  async ready(child: Child): Promise<void> {
    const address = child.base === undefined ? child.facts.metricsUrl : `${child.base}/readyz`;
    let seen = "no answer";
    try {
      await until(
        `${child.facts.name} to be ready at ${address}`,
        async () => {
          if (hasEnded(child.process))
            throw new Error(`${child.facts.name} ended at start (${outcome(child.process)})`);
          const answer = await fetch(address, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
          if (answer === undefined) return false;
          seen = `${answer.status} ${(await answer.text()).slice(0, 500)}`;
          return answer.status === 200;
        },
        { timeoutMs: readyTimeoutMs, everyMs: 200, describe: () => seen },
      );
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${logTail(child)}`, { cause: error });
    }
  }

  async stop(): Promise<void> {
    const faults = await Promise.all(this.children.map(stopChild));
    await this.clear();
    const told = faults.filter((fault) => fault !== undefined);
    if (told.length > 0) throw new Error(told.join("\n"));
  }

  async clear(): Promise<void> {
    process.removeListener("exit", this.killAll);
    process.removeListener("SIGTERM", this.abort);
    for (const action of this.undo) await action();
    if (process.env["ENGRAM_KEEP_LOGS"] === "1") process.stderr.write(`Logs are kept in ${this.directory}\n`);
    else rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Asks a process to stop; gives what was wrong with its end, if anything. */
async function stopChild(child: Child): Promise<string | undefined> {
  if (hasEnded(child.process)) {
    return `${child.facts.name} had ended during the tests (${outcome(child.process)})\n${logTail(child)}`;
  }
  const ended = once(child.process, "exit");
  child.process.kill("SIGTERM");
  const timer = setTimeout(() => child.process.kill("SIGKILL"), stopTimeoutMs);
  await ended;
  clearTimeout(timer);
  if (child.process.exitCode === 0) return undefined;
  return `${child.facts.name} did not stop gracefully (${outcome(child.process)})\n${logTail(child)}`;
}

function hasEnded(process: ChildProcess): boolean {
  return process.exitCode !== null || process.signalCode !== null;
}

function outcome(process: ChildProcess): string {
  return process.signalCode === null ? `exit code ${process.exitCode}` : `signal ${process.signalCode}`;
}

function logTail(child: Child): string {
  return [child.facts.stdout, child.facts.stderr]
    .map((file) => `--- ${file}\n${readFileSync(file, "utf8").split("\n").slice(-logTailLines).join("\n")}`)
    .join("\n");
}

function surroundings(): Environment {
  return Object.fromEntries(
    passedOn.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

function need(environment: Record<string, string | undefined>, name: string): string {
  const value = environment[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set`);
  return value;
}
