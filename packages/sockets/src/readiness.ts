import { placeholderProblems, type Config, type Problem } from "@engram/config";
import type { Logger } from "@engram/telemetry";
import { createDatabase, migrate } from "@engram/postgres";
import { databaseProblem } from "./database-problems.ts";
import { keepTrying } from "./keep-trying.ts";
import type { Sockets } from "./open-sockets.ts";

export type SocketState = "ok" | "starting" | "unavailable";
export type SocketName = "truth" | "vectors" | "queue" | "models";

/** A probe must answer before the one who asks gives up. */
const PING_TIMEOUT_MS = 1_000;

/** What is ready, and what stands in the way: told in one line each, with its cure. */
export class Readiness {
  readonly #problems = new Map<string, Problem>();
  #migrated = false;
  #stopping = false;

  constructor(config: Config) {
    for (const problem of placeholderProblems(config)) this.#problems.set(problem.message, problem);
  }

  get problems(): readonly Problem[] {
    return [...this.#problems.values()];
  }

  report(subject: string, problem: Problem): void {
    this.#problems.set(subject, problem);
  }

  clear(subject: string): void {
    this.#problems.delete(subject);
  }

  /** True once the schema stands: before that no route that touches the truth can answer. */
  get migrated(): boolean {
    return this.#migrated;
  }

  set migrated(value: boolean) {
    this.#migrated = value;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  stop(): void {
    this.#stopping = true;
  }

  /** Asks every socket; what the truth says decides whether the service is ready, the others only degrade it. */
  async check(
    sockets: Sockets,
  ): Promise<{ ready: boolean; states: Record<SocketName, SocketState>; problems: readonly Problem[] }> {
    const [truth, vectors, queue] = await Promise.all([
      stateOf((signal) => within(signal, sockets.db.query("SELECT 1"))),
      stateOf((signal) => within(signal, sockets.index.ping(signal))),
      stateOf((signal) => within(signal, sockets.bell.ping(signal))),
    ]);
    const states = {
      truth: truth === "ok" && !this.migrated ? "starting" : truth,
      vectors,
      queue,
      models: sockets.circuits.isWhole("models") ? "ok" : "unavailable",
    } as const;
    return {
      ready: states.truth === "ok" && !this.stopping,
      states,
      problems: eachOnce([...this.problems, ...sockets.circuits.problems]),
    };
  }
}

/** A key that is refused is met by whoever uses it. */
function eachOnce(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [problem.message, problem])).values()];
}

async function stateOf(ping: (signal: AbortSignal) => Promise<unknown>): Promise<SocketState> {
  try {
    await ping(AbortSignal.timeout(PING_TIMEOUT_MS));
    return "ok";
  } catch {
    return "unavailable";
  }
}

async function within<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return Promise.race([
    promise,
    new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true })),
  ]);
}

type Truth = Pick<Config["truth"], "databaseUrl" | "databaseVariable">;

/** Migrates, for as long as it takes: a database that is not there yet is one line in the log and in `/readyz`, not an exit. */
export async function migrateWhenReady(
  sockets: Pick<Sockets, "db">,
  readiness: Readiness,
  {
    logger,
    stop,
    truth,
    searchLanguages,
  }: { logger: Logger; stop: AbortSignal; truth: Truth; searchLanguages?: readonly string[] | undefined },
): Promise<void> {
  const attempt = async (): Promise<readonly string[]> => {
    try {
      return await migrate(sockets.db, { searchLanguages });
    } catch (error) {
      const { databaseUrl, databaseVariable } = truth;
      if (databaseUrl === undefined || databaseProblem(error, databaseVariable).code !== "database_missing")
        throw error;
      // Where the role may not, what is told is that the database is missing.
      if (await createDatabase(databaseUrl)) logger.info("Database created");
      else throw error;
      return migrate(sockets.db, { searchLanguages });
    }
  };
  const ran = await keepTrying(attempt, {
    stop,
    onFailure(error) {
      tellDatabaseProblem(error, { logger, readiness, truth });
    },
  });
  if (ran === undefined) return;
  readiness.clear("truth");
  readiness.migrated = true;
  if (ran.length > 0) logger.info({ migrations: ran }, "Migrated");
}

/** Says what is wrong with the database, once, whoever meets it first and however many do. */
export function tellDatabaseProblem(
  error: unknown,
  {
    logger,
    readiness,
    truth,
  }: { logger: Pick<Logger, "warn">; readiness: Readiness | undefined; truth: Pick<Truth, "databaseVariable"> },
): void {
  const problem = databaseProblem(error, truth.databaseVariable);
  const { code, cure, message } = problem;
  const isKnown = readiness?.problems.some((known) => known.message === message) === true;
  if (!isKnown) logger.warn({ code, cure, ...(code === "database" ? { err: error } : {}) }, message);
  readiness?.report("truth", problem);
}
