import { readFileSync } from "node:fs";
import { stderr } from "node:process";
import { ConfigError, loadConfig, type Config } from "@engram/config";
import { MemoryError } from "@engram/memory";
import { createLogger, createMetrics, serveMetrics, type Logger, type Metrics } from "@engram/telemetry";
import { dropGarbage, growHeapByUse } from "./heap.ts";
import { checkNodeVersion } from "./node-version.ts";
import { openDashboard } from "./open-dashboard.ts";
import { backendOf, type Backend } from "./backend.ts";
import { openSockets, type Sockets } from "./open-sockets.ts";
import { checkProviderKey } from "./provider-problems.ts";
import { Readiness } from "./readiness.ts";

/** What a process has once it is up. */
export interface Process {
  readonly config: Config;
  readonly version: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly sockets: Sockets;
  readonly readiness: Readiness;
}

/** After this a stop is a hang, and the process ends without ceremony. */
const STOP_TIMEOUT_MS = 9_500;

/**
 * The frame of every `main.ts`: reads the configuration (all its faults at once, exit 1), opens the sockets, serves the
 * metrics, runs `start`, and on SIGTERM or SIGINT runs what `start` returned, then closes everything.
 */
export async function runProcess(
  name: string,
  start: (process: Process) => Promise<() => Promise<void>>,
): Promise<void> {
  growHeapByUse();
  try {
    checkNodeVersion(process.versions.node);
    const config = loadConfig();
    const version = readVersion();
    const logger = createLogger({ level: config.telemetry.logLevel, name });
    const metrics = createMetrics({ version });
    const readiness = new Readiness(config);
    const sockets = await openSockets(config, { logger, metrics, readiness });
    const dashboard = openDashboard(config);
    const server = await serveMetrics(metrics.registry, {
      host: config.telemetry.metricsHost,
      port: config.telemetry.metricsPort,
      logger,
      routes: dashboard.routes,
    });
    for (const { code, message, cure } of readiness.problems) logger.warn({ code, cure }, message);
    tellStart(logger, version, backendOf(config), sockets);
    const stopping = new AbortController();
    const checked = checkProviderKey(config, { readiness, logger, stop: stopping.signal });
    checked.catch((err: unknown) => logger.error({ err }, "The provider's key cannot be checked"));
    const stop = await start({ config, version, logger, metrics, sockets, readiness });
    onSignal(logger, async () => {
      stopping.abort();
      await stop();
      await server.close();
      await dashboard.close();
      await sockets.close();
    });
    dropGarbage();
  } catch (error) {
    // Configuration and a folder in use are for a person to mend: one clear line, no stack.
    const told = error instanceof ConfigError || error instanceof MemoryError ? error.message : error;
    stderr.write(`${told instanceof Error ? (told.stack ?? told.message) : String(told)}\n`);
    process.exit(1);
  }
}

function tellStart(logger: Logger, version: string, backend: Backend, { chosen, models }: Sockets): void {
  logger.info({ version, ...chosen }, `Memory store initialized with ${backend} backend`);
  if (models.embedder.lexical)
    logger.warn(
      { model: models.embedder.model, cure: "Set OPENAI_API_KEY" },
      "No model is configured: embeddings are lexical, they match words and stems, not meaning",
    );
}

function onSignal(logger: Logger, stop: () => Promise<void>): void {
  let stopping = false;
  const end = (signal: NodeJS.Signals): void => {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, "Stopping");
    setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref();
    stop().then(
      () => {
        logger.info("Stopped");
        process.exit(0);
      },
      (err: unknown) => {
        logger.error({ err }, "Stop failed");
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
}

function readVersion(): string {
  const root = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  return root.version;
}
