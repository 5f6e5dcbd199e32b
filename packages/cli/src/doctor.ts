import { ConfigError, loadConfig, placeholderProblems, type Config } from "@engram/config";
import { MemoryError, probeEmbedder, toMemoryError } from "@engram/memory";
import { pendingMigrations } from "@engram/postgres";
import { databaseProblem, examineQueue as findQueueProblems, openSockets, type Sockets } from "@engram/sockets";
import { createLogger, createMetrics } from "@engram/telemetry";
import { askRunning } from "./ask-running.ts";
import { trouble, type Finding } from "./finding.ts";

const TIMEOUT_MS = 5_000;

/** `engram doctor`: asks each socket, one line each, with what to do; exit code 1 when something is wrong. */
export async function doctor(): Promise<void> {
  try {
    const config = loadConfig();
    const findings = await examine(config);
    for (const { socket, ok, text, cure } of findings)
      console.log(
        `${ok ? "ok  " : "BAD "} ${socket.padEnd(8)} ${text}${cure === undefined ? "" : `\n              → ${cure}`}`,
      );
    if (findings.some((finding) => !finding.ok)) process.exitCode = 1;
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof MemoryError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

async function examine(config: Config): Promise<readonly Finding[]> {
  const logger = createLogger({ level: "silent", name: "doctor" });
  let sockets: Sockets;
  try {
    sockets = await openSockets(config, { logger, metrics: createMetrics({ version: "doctor" }) });
  } catch (error) {
    // Most often the embedded database is in use because Engram runs, which is as it should be.
    const told = config.truth.databaseUrl === undefined ? await askRunning(config) : undefined;
    if (told === undefined) throw error;
    return told;
  }
  try {
    return [
      ...placeholderProblems(config).map((problem) => trouble("settings", problem)),
      await examineTruth(sockets, config),
      await examineVectors(sockets),
      ...(await examineQueue(sockets, config)),
      await examineModels(sockets),
    ];
  } finally {
    await sockets.close();
  }
}

async function examineTruth({ db, chosen }: Sockets, { truth }: Config): Promise<Finding> {
  try {
    const pending = await pendingMigrations(db);
    return {
      socket: "truth",
      ok: true,
      text: `${chosen.truth} answers${pending.length === 0 ? ", schema up to date" : `; migrations to run at start: ${pending.join(", ")}`}`,
    };
  } catch (error) {
    return trouble("truth", databaseProblem(error, truth.databaseVariable));
  }
}

async function examineVectors({ index, chosen }: Sockets): Promise<Finding> {
  try {
    await index.ping(AbortSignal.timeout(TIMEOUT_MS));
    return { socket: "vectors", ok: true, text: `${chosen.vectors} answers` };
  } catch (error) {
    return trouble("vectors", {
      message: toMemoryError(error).message,
      cure: "Check QDRANT_URL and QDRANT_API_KEY; searches answer from words meanwhile",
    });
  }
}

async function examineQueue({ bell, chosen }: Sockets, config: Config): Promise<readonly Finding[]> {
  if (config.queue.redisUrl === undefined)
    return [{ socket: "queue", ok: true, text: `${chosen.queue}: workers look by themselves` }];
  const problems = await findQueueProblems(config);
  if (problems.length > 0) return problems.map((problem) => trouble("queue", problem));
  await bell.ping(AbortSignal.timeout(TIMEOUT_MS));
  return [{ socket: "queue", ok: true, text: `${chosen.queue} answers` }];
}

async function examineModels({ models, chosen }: Sockets): Promise<Finding> {
  try {
    // As a search would, so that the limits of the provider do not make it wait.
    const embedder = (await models.embedderOf(models.embedder, "search")) ?? models.embedder;
    const { model, dims } = await probeEmbedder(embedder, AbortSignal.timeout(TIMEOUT_MS));
    return {
      socket: "models",
      ok: true,
      text: `${chosen.models}: ${model}, ${dims} dimensions${models.embedder.lexical ? " (lexical: set OPENAI_API_KEY for meaning)" : ""}`,
    };
  } catch (error) {
    return trouble("models", {
      message: toMemoryError(error).message,
      cure: "Check OPENAI_API_KEY, OPENAI_BASE_URL and EMBEDDING_MODEL",
    });
  }
}
