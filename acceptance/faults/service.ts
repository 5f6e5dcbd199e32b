import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { findFreePort } from "@engram/test-equipment";
import { serviceEnvironment } from "../service-environment.ts";
import { until } from "../until.ts";
import type { Troubles } from "./troubles.ts";

const REPOSITORY = join(import.meta.dirname, "..", "..");
/** The only variables of the surroundings that a process under test gets to see. */
const PASSED_ON = ["PATH", "HOME", "USER", "TMPDIR", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH"];
const START_TIMEOUT_MS = 60_000;
/** A graceful stop past this is a hang: the process is killed, and the caller sees how long it took. */
const STOP_TIMEOUT_MS = 15_000;
const LOOK_EVERY_MS = 50;

export interface ServiceOptions {
  readonly name: string;
  readonly role: "api" | "worker";
  /** Takes its log and its data. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly troubles: Troubles;
  /** It ended, and nobody had asked it to; or it never became ready. */
  readonly onFault: (what: string) => void;
}

export interface Stopped {
  readonly seconds: number;
  /** `exit code 0`, or whatever else. */
  readonly how: string;
}

/** One process of the service: started, killed, frozen, stopped and started again on the same port and data. */
export class Service {
  readonly name: string;
  readonly role: "api" | "worker";
  /** Address of the API; of a worker, where its metrics are. */
  readonly base: string;
  readonly #options: ServiceOptions;
  readonly #port: number;
  #child: ChildProcess | undefined;
  #wanted = false;
  /** What ends the troubles that began when it went away: it answers again, it is ready again. */
  #answers: () => void = () => undefined;
  #ready: () => void = () => undefined;

  static async create(options: ServiceOptions): Promise<Service> {
    mkdirSync(options.folder, { recursive: true });
    return new Service(options, await findFreePort());
  }

  private constructor(options: ServiceOptions, port: number) {
    this.#options = options;
    this.#port = port;
    this.name = options.name;
    this.role = options.role;
    this.base = `http://127.0.0.1:${port}`;
  }

  /** Starts it; resolves when it answers. Until then, and until it is ready, its troubles excuse it. */
  async start(): Promise<void> {
    if (this.#child === undefined) this.#goesAway();
    const child = this.#spawn();
    this.#child = child;
    this.#wanted = true;
    child.once("exit", (code, signal) => {
      if (this.#child !== child || !this.#wanted) return;
      this.#goesAway();
      this.#options.onFault(`it ended by itself with ${outcomeOf(code, signal)}`);
    });
    const [answers, ready] = [this.#answers, this.#ready];
    if (await this.#isOk(child, this.#livePath)) answers();
    // Not awaited: the database may be away for a while, which is a trouble of its own.
    void this.#tellWhenReady(child, ready);
  }

  /** SIGKILL; resolves when it is gone. What it does not answer is excused until the next `start`. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** SIGTERM; tells how long it took and how it ended. */
  async stop(): Promise<Stopped> {
    const started = performance.now();
    const how = await this.#end("SIGTERM");
    return { seconds: (performance.now() - started) / 1000, how };
  }

  /** SIGSTOP; gives what lets it go on. */
  freeze(): () => void {
    const { name, troubles } = this.#options;
    const child = this.#child;
    const thaw = troubles.begin(`process:${name}`, `truth:${name}`);
    child?.kill("SIGSTOP");
    return () => {
      child?.kill("SIGCONT");
      thaw();
    };
  }

  get isUp(): boolean {
    return this.#child !== undefined && !hasEnded(this.#child);
  }

  /** For the end of everything: no ceremony. */
  destroy(): void {
    this.#wanted = false;
    this.#child?.kill("SIGKILL");
  }

  get #livePath(): string {
    return this.role === "api" ? "/livez" : "/metrics";
  }

  get #readyPath(): string {
    return this.role === "api" ? "/readyz" : "/metrics";
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<string> {
    const child = this.#child;
    if (child === undefined || hasEnded(child)) return "not running";
    this.#wanted = false;
    this.#goesAway({ isGraceful: signal === "SIGTERM" });
    const ended = once(child, "exit");
    child.kill(signal);
    const insist = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(insist);
    return outcomeOf(child.exitCode, child.signalCode);
  }

  #goesAway({ isGraceful = false } = {}): void {
    const { troubles } = this.#options;
    const process = `process:${this.name}` as const;
    this.#answers = isGraceful ? troubles.beginGraceful(process) : troubles.begin(process);
    this.#ready = troubles.begin(`truth:${this.name}`);
  }

  async #tellWhenReady(child: ChildProcess, ready: () => void): Promise<void> {
    try {
      if (await this.#isOk(child, this.#readyPath)) ready();
    } catch (error) {
      this.#options.onFault(String(error));
    }
  }

  /** True once it answers 200 there; false when it has ended before. */
  async #isOk(child: ChildProcess, path: string): Promise<boolean> {
    await until(`${this.name} to answer ${path}`, async () => hasEnded(child) || isOk(`${this.base}${path}`), {
      timeoutMs: START_TIMEOUT_MS,
      everyMs: LOOK_EVERY_MS,
    });
    return !hasEnded(child);
  }

  #spawn(): ChildProcess {
    const { name, role, folder, environment } = this.#options;
    const log = openSync(join(folder, `${name}.log`), "a");
    const child = spawn(process.execPath, [join(REPOSITORY, "services", role, "dist", "main.js")], {
      // A folder of its own, so that no .env of the checkout is read.
      cwd: folder,
      stdio: ["ignore", log, log],
      env: {
        ...surroundings(),
        ...serviceEnvironment(),
        DATA_DIR: join(folder, `${name}-data`),
        MEM0_HOST: "127.0.0.1",
        MEM0_PORT: String(this.#port),
        METRICS_PORT: role === "api" ? "0" : String(this.#port),
        ...environment,
      },
    });
    closeSync(log);
    return child;
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function outcomeOf(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

async function isOk(url: string): Promise<boolean> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
  await answer?.arrayBuffer().catch(() => undefined);
  return answer?.ok === true;
}

function surroundings(): Record<string, string> {
  return Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
