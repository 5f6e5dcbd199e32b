/**
 * What went wrong, in the caller's terms. Adapters translate their technology's faults into these at the edge, the
 * API maps them to statuses, and the worker decides by them whether a job may be tried again.
 */
export type ErrorCode =
  | "invalid"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "too_large"
  | "unsupported"
  | "key_reused"
  | "rate_limited"
  | "unavailable"
  | "internal";

/** One thing to mend in a request: the path of the field, and what is wrong with it. */
export interface ErrorDetail {
  readonly field?: string;
  readonly message: string;
  readonly id?: string;
}

export interface MemoryErrorOptions extends ErrorOptions {
  readonly details?: readonly ErrorDetail[];
  /** When to come again, in seconds, where the other side said so (`Retry-After`). */
  readonly retryAfterSeconds?: number;
  /** True when the effect may have happened all the same: a timeout or a cut after the request was sent. */
  readonly outcomeUnknown?: boolean;
  /** True when the other side had all the time that it was to have. */
  readonly timedOut?: boolean;
}

/** The only error type that the domain and its adapters throw. */
export class MemoryError extends Error {
  readonly code: ErrorCode;
  readonly details: readonly ErrorDetail[];
  readonly retryAfterSeconds: number | undefined;
  readonly outcomeUnknown: boolean;
  readonly timedOut: boolean;

  /** `message` is for the caller and is sent as is; put the cause, for the log, in `options.cause`. */
  constructor(code: ErrorCode, message: string, options: MemoryErrorOptions = {}) {
    super(message, options);
    this.name = "MemoryError";
    this.code = code;
    this.details = options.details ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.outcomeUnknown = options.outcomeUnknown ?? false;
    this.timedOut = options.timedOut ?? false;
  }
}

/** Anything thrown, as a MemoryError: unknown faults become `internal` with the fault as their cause. */
export function toMemoryError(error: unknown): MemoryError {
  return error instanceof MemoryError ? error : new MemoryError("internal", "Internal error", { cause: error });
}
