import { ConfigError, loadConfig, type Config } from "@engram/config";
import { MemoryError } from "@engram/memory";
import { openTruth } from "@engram/sockets";
import type { Executor } from "@engram/sql";
import { createLogger } from "@engram/telemetry";

/** Runs a verb over the database; a fault that a person can mend is one line and exit code 1. */
export async function withTruth(verb: (db: Executor, config: Config) => Promise<void>): Promise<void> {
  try {
    const config = loadConfig();
    const db = await openTruth(config, createLogger({ level: config.telemetry.logLevel, name: "cli" }));
    try {
      await verb(db, config);
    } finally {
      await db.close();
    }
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof MemoryError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
