import { MemoryError } from "@engram/memory";
import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from "openai";

/** The text is at fault: trying again changes nothing. */
const PERMANENT = new Set([400, 413, 422]);

/**
 * A fault of the provider in the domain's terms: `invalid` where the input is at fault, `rate_limited` with the pause
 * that was asked for, else `unavailable`. The provider's own text may quote the input or the key, and the SDK's may quote
 * a header, so neither goes anywhere: the cause is made anew of what is known to be safe in a log.
 */
export function translateOpenAIError(thrown: unknown): MemoryError {
  if (thrown instanceof MemoryError) return thrown;
  const cause = describe(thrown);
  if (thrown instanceof APIConnectionTimeoutError || thrown instanceof APIUserAbortError) {
    const timedOut = thrown instanceof APIConnectionTimeoutError;
    return new MemoryError("unavailable", "The model provider did not answer in time", { cause, timedOut });
  }
  if (thrown instanceof APIConnectionError)
    return new MemoryError("unavailable", "The model provider cannot be reached (OPENAI_BASE_URL)", { cause });
  if (!(thrown instanceof APIError))
    return new MemoryError("unavailable", "The model provider answered with something unexpected", { cause });

  const status: unknown = thrown.status;
  if (status === 401)
    return new MemoryError("unavailable", "The model provider refuses the key: check OPENAI_API_KEY", { cause });
  // A key that may do this may yet not do that: OpenAI has keys of narrow rights.
  if (status === 403)
    return new MemoryError("unavailable", "The model provider forbids this: check the rights of OPENAI_API_KEY", {
      cause,
    });
  if (status === 404)
    return new MemoryError(
      "unavailable",
      "The model provider does not know the model or the path: check EMBEDDING_MODEL, LLM_MODEL and OPENAI_BASE_URL",
      { cause },
    );
  if (status === 429 || status === 408 || status === 409) return limited(thrown, cause);
  if (typeof status === "number" && PERMANENT.has(status))
    return new MemoryError("invalid", `The model provider refuses the input (${status})`, { cause });
  return new MemoryError(
    "unavailable",
    `The model provider has trouble (${typeof status === "number" ? status : "no status"})`,
    { cause, ...pauseOf(thrown) },
  );
}

/** Whether the provider may have worked, and asks to be paid for it, though no answer came that could be used. */
export function mayHaveCost(thrown: unknown): boolean {
  if (thrown instanceof APIConnectionTimeoutError || thrown instanceof APIUserAbortError) return true;
  return !(thrown instanceof APIError) && !(thrown instanceof MemoryError);
}

function limited(thrown: InstanceType<typeof APIError>, cause: Error): MemoryError {
  const message =
    thrown.code === "insufficient_quota"
      ? "The model provider's quota is used up"
      : "The model provider asks for patience";
  return new MemoryError("rate_limited", message, { cause, ...pauseOf(thrown) });
}

function pauseOf({ headers }: InstanceType<typeof APIError>): { retryAfterSeconds?: number } {
  const retryAfterSeconds = parseRetryAfter(headers);
  return retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
}

/** Any length is obeyed; past this it is a mistake, which must not become a time that a database cannot hold. */
const RETRY_AFTER_SECONDS_MAX = 366 * 86_400;

/** `retry-after-ms`, else `Retry-After` as seconds or as a date (RFC 9110, 10.2.3), in seconds. */
export function parseRetryAfter(headers: Headers | undefined, now = Date.now()): number | undefined {
  const ms = toNumber(headers?.get("retry-after-ms"));
  const value = headers?.get("retry-after");
  const seconds = ms === undefined ? (toNumber(value) ?? (Date.parse(value ?? "") - now) / 1000) : ms / 1000;
  return Number.isNaN(seconds) ? undefined : Math.min(RETRY_AFTER_SECONDS_MAX, Math.max(0, seconds));
}

/** Undefined: absent, empty or no number. */
function toNumber(value: string | null | undefined): number | undefined {
  const number = Number((value ?? "").trim() === "" ? Number.NaN : value);
  return Number.isFinite(number) ? number : undefined;
}

/** A word of the provider's or the system's, such as `insufficient_quota` or `ECONNREFUSED`: no room for a text or a key. */
const SAFE_WORD = /^[a-z][a-z_]{1,40}$/i;

/** What may be said of a fault in a log: its kind, the status, the provider's code and request id, the system's codes. */
function describe(thrown: unknown): Error {
  const words = [thrown instanceof Error ? thrown.constructor.name : typeof thrown];
  if (thrown instanceof APIError) {
    if (typeof thrown.status === "number") words.push(`status ${thrown.status}`);
    if (/^[\w-]{1,80}$/.test(thrown.requestID ?? "")) words.push(`request ${thrown.requestID}`);
  }
  for (let one: unknown = thrown; one instanceof Error; one = one.cause) {
    const code: unknown = "code" in one ? one.code : undefined;
    if (typeof code === "string" && SAFE_WORD.test(code)) words.push(code);
  }
  return new Error(words.join(", "));
}
