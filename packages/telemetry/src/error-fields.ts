/** What a log says of an error. */
export interface ErrorFields {
  readonly type: string;
  readonly message: string;
  readonly code?: string | number;
  readonly status?: number;
  readonly stack?: string;
  readonly cause?: ErrorFields;
}

/** A chain of causes longer than this is a cycle or says nothing new. */
const causesMax = 5;

/**
 * The parts of an error that are safe to log. Everything else is left out on purpose: database errors carry whole rows
 * in `detail` and `where`, provider errors the request with its key.
 */
export function errorFields(error: unknown, depth = 0): ErrorFields {
  if (typeof error !== "object" || error === null) return { type: typeof error, message: String(error) };
  const { name, message, code, status, stack, cause } = error as Record<string, unknown>;
  return {
    type: typeof name === "string" ? name : "Error",
    message: typeof message === "string" ? message : "",
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
    ...(typeof status === "number" ? { status } : {}),
    ...(typeof stack === "string" ? { stack } : {}),
    ...(cause !== undefined && depth < causesMax ? { cause: errorFields(cause, depth + 1) } : {}),
  };
}
