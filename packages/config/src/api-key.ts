import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "./config-error.ts";
import type { Config } from "./config.ts";
import { errorCode } from "./error-code.ts";

/** The keys of the service, and where the one that was made is kept. */
export interface ApiKeys {
  readonly keys: readonly string[];
  /** True for the process that made the key just now: show it once. */
  readonly created: boolean;
  /** Undefined: the keys were configured. */
  readonly file: string | undefined;
}

/** As many as a SHA-256 has: nobody guesses that. */
const keyBytes = 32;

/**
 * The configured keys; else the one in `DATA_DIR/api-key`, which is made (readable by the owner alone) when it is not
 * there. Processes that start at once get the same key. Throws `ConfigError` when the folder cannot be written.
 */
export function ensureApiKey(config: Config): ApiKeys {
  if (config.door.apiKeys.length > 0) return { keys: config.door.apiKeys, created: false, file: undefined };
  const file = join(config.dataDir, "api-key");
  try {
    const created = !hasKey(file) && createKey(config.dataDir, file);
    return { keys: readKeys(file), created, file };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw fault(
      "DATA_DIR",
      `a key cannot be kept there (${errorCode(error)}); make the folder writable, or set MEM0_API_KEY`,
      config.dataDir,
    );
  }
}

function hasKey(file: string): boolean {
  try {
    return readFileSync(file, "utf8") !== "";
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** False when another process was first: a link, unlike a rename, never replaces, and shows a whole file or none. */
function createKey(directory: string, file: string): boolean {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}-${randomBytes(6).toString("hex")}`;
  const descriptor = openSync(draft, "wx", 0o600);
  try {
    writeSync(descriptor, `engram_${randomBytes(keyBytes).toString("base64url")}\n`);
    fsyncSync(descriptor);
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    closeSync(descriptor);
    rmSync(draft, { force: true });
  }
}

function readKeys(file: string): string[] {
  const keys = readFileSync(file, "utf8")
    .split(/\s+/)
    .filter((line) => line !== "");
  if (keys.length === 0)
    throw fault(
      "MEM0_API_KEY",
      `is unset, and ${file} is empty; delete that file to have a new key made`,
      "a-long-random-key",
    );
  return keys;
}

function fault(variable: string, problem: string, example: string): ConfigError {
  return new ConfigError([{ variable, problem, example: `${variable}=${example}` }]);
}
