import { MemoryError } from "@engram/memory";

/** Faults that stop a request before it is sent: nothing can have happened. */
const NOT_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** A fault of Qdrant in the domain's terms; `writing`: a cut or a timeout leaves the outcome unknown. */
export function translateQdrantError(cause: unknown, { writing }: { writing: boolean }): MemoryError {
  if (cause instanceof MemoryError) return cause;
  const status = statusOf(cause);
  if (status === 401 || status === 403)
    return new MemoryError("unavailable", "Qdrant refuses the key: check QDRANT_API_KEY", { cause });
  if (status === 404) return new MemoryError("unavailable", "Qdrant does not have the collection yet", { cause });
  if (status === 400 || status === 413 || status === 422)
    return new MemoryError("invalid", `Qdrant refuses the request: ${detailOf(cause)}`, { cause });
  if (status === 429 || isExhausted(cause))
    return new MemoryError("rate_limited", "Qdrant asks for patience", { cause, ...retryAfter(cause) });
  if (status !== undefined)
    return new MemoryError("unavailable", `Qdrant has trouble (${status})`, { cause, outcomeUnknown: writing });
  const unsent = NOT_SENT.has(networkCode(cause));
  return new MemoryError("unavailable", "Qdrant cannot be reached (QDRANT_URL)", {
    cause,
    outcomeUnknown: writing && !unsent,
  });
}

/** The status of the client's ApiError, or of its UnexpectedResponse, which has it in the text only. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  if ("status" in error && typeof error.status === "number") return error.status;
  const [, status] = error instanceof Error ? (/^Unexpected Response: (\d{3})/.exec(error.message) ?? []) : [];
  return status === undefined ? undefined : Number(status);
}

/** The text that Qdrant sent: about dimensions and indexes, never about content. */
function detailOf(error: unknown): string {
  const data: unknown = typeof error === "object" && error !== null && "data" in error ? error.data : undefined;
  const status: unknown = typeof data === "object" && data !== null && "status" in data ? data.status : undefined;
  if (typeof status === "object" && status !== null && "error" in status && typeof status.error === "string")
    return status.error;
  return error instanceof Error ? error.message : "no reason given";
}

function networkCode(error: unknown): string {
  for (
    let one: unknown = error;
    typeof one === "object" && one !== null;
    one = "cause" in one ? one.cause : undefined
  ) {
    if ("code" in one && typeof one.code === "string") return one.code;
    // Several addresses of one name were tried.
    if (one instanceof AggregateError) return networkCode(one.errors[0]);
  }
  return "";
}

function isExhausted(error: unknown): boolean {
  return error instanceof Error && error.name === "QdrantClientResourceExhaustedError";
}

/** The client keeps the first digit of the header only: a lower bound, from where the outbox's back-off goes on. */
function retryAfter(error: unknown): { retryAfterSeconds?: number } {
  return typeof error === "object" && error !== null && "retry_after" in error && typeof error.retry_after === "number"
    ? { retryAfterSeconds: error.retry_after }
    : {};
}
