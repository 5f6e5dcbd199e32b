import { MemoryError } from "@engram/memory";
import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from "openai";

/** The text is at fault: trying again changes nothing. */
const PERMANENT = new Set([400, 413, 422]);

/**
 * A fault of the provider in the domain's terms: `invalid` where the input is at fault, `rate_limited` with the pause
 * that was asked for, else `unavailable`. The provider's own text may quote the input, so it goes into the cause only.
 */
export function translateOpenAIError(cause: unknown): MemoryError {
  if (cause instanceof MemoryError) return cause;
  if (cause instanceof APIConnectionTimeoutError || cause instanceof APIUserAbortError)
    return new MemoryError("unavailable", "The model provider did not answer in time", { cause });
  if (cause instanceof APIConnectionError)
    return new MemoryError("unavailable", "The model provider cannot be reached (OPENAI_BASE_URL)", { cause });
  if (!(cause instanceof APIError))
    return new MemoryError("unavailable", "The model provider answered with something unexpected", { cause });

  const status: unknown = cause.status;
  if (status === 401 || status === 403)
    return new MemoryError("unavailable", "The model provider refuses the key: check OPENAI_API_KEY", { cause });
  if (status === 404)
    return new MemoryError(
      "unavailable",
      "The model provider does not know the model or the path: check EMBEDDING_MODEL and OPENAI_BASE_URL",
      { cause },
    );
  if (status === 429 || status === 408 || status === 409) return limited(cause);
  if (typeof status === "number" && PERMANENT.has(status))
    return new MemoryError("invalid", `The model provider refuses the input (${status})`, { cause });
  return new MemoryError(
    "unavailable",
    `The model provider has trouble (${typeof status === "number" ? status : "no status"})`,
    { cause },
  );
}

function limited(cause: InstanceType<typeof APIError>): MemoryError {
  const retryAfterSeconds = parseRetryAfter(cause.headers);
  const message =
    cause.code === "insufficient_quota"
      ? "The model provider's quota is used up"
      : "The model provider asks for patience";
  return new MemoryError("rate_limited", message, {
    cause,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** `retry-after-ms`, else `Retry-After` as seconds or as a date (RFC 9110, 10.2.3), at any length. */
export function parseRetryAfter(headers: Headers | undefined, now = Date.now()): number | undefined {
  const ms = Number(headers?.get("retry-after-ms") ?? Number.NaN);
  if (Number.isFinite(ms) && ms >= 0) return ms / 1000;
  const value = headers?.get("retry-after");
  if (value === null || value === undefined) return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds);
  const until = Date.parse(value);
  return Number.isNaN(until) ? undefined : Math.max(0, (until - now) / 1000);
}
