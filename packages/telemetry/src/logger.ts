import { pino, stdTimeFunctions, type DestinationStream, type Logger } from "pino";
import { errorFields } from "./error-fields.ts";
import { redact } from "./redact.ts";

export type { Logger } from "pino";

export interface LoggerOptions {
  /** A level of pino, or `silent`. */
  readonly level: string;
  /** Which process speaks: `api`, `worker`, … */
  readonly name: string;
  /** Where the lines go; standard output unless a test wants to read them. */
  readonly destination?: DestinationStream;
}

/**
 * A logger that writes JSON lines: `{"level":"info","time":"2026-11-24T10:00:00.000Z","name":"api",…,"msg":"…"}`. The
 * message is short and constant, what varies goes into fields; an error goes into `err`. Redaction is a net below, not
 * a licence: hand ids to the logger, never memories, queries or keys; it does not look into a child's bindings.
 */
export function createLogger({ level, name, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: { name },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: redact },
    serializers: { err: (error: unknown) => errorFields(error), error: (error: unknown) => errorFields(error) },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
