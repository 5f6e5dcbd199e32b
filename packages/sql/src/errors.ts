import { keyTaken, MemoryError } from "@engram/memory";

/** Of PostgreSQL's error codes, those that mean something to the domain (postgresql.org/docs/current/errcodes-appendix.html). */
const CONFLICTS = new Set(["23505", "40P01", "40001"]);
const NETWORK = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EPIPE",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);

/**
 * A driver's fault as the domain's: constraint → `conflict` (that of engram.idempotency: over the key), bad value →
 * `invalid`, connection → `unavailable`.
 */
export function translateSqlError(cause: unknown): MemoryError {
  if (cause instanceof MemoryError) return cause;
  const code = codeOf(cause);
  if (code === "23505" && constraintOf(cause) === "idempotency_pkey") return keyTaken(cause);
  if (CONFLICTS.has(code)) return new MemoryError("conflict", "Another write was first", { cause });
  // 22xxx: a value the database cannot take; 23514: a check. 54000: too much of something (an index row, say).
  if (code.startsWith("22") || code === "23514" || code.startsWith("54"))
    return new MemoryError("invalid", `The database refuses a value: ${messageOf(cause)}`, { cause });
  // 08: connection; 53: out of connections, disk, memory; 57: shutting down or cancelled; 25006: a standby; 28, 3D: not yet ours.
  const away =
    NETWORK.has(code) ||
    /^(08|53|57|28|3D|25006)/.test(code) ||
    isTlsFault(cause) ||
    /timeout|terminated|Connection ended|closed|not queryable|Tenant or user not found/i.test(messageOf(cause));
  if (away) return new MemoryError("unavailable", "The database cannot be reached", { cause, outcomeUnknown: true });
  return new MemoryError("internal", "Internal error", { cause });
}

/** Node's codes of a certificate that is not taken, and the driver's word for a server without TLS. */
export function isTlsFault(error: unknown): boolean {
  return /CERT|SIGNATURE|^ERR_(TLS|SSL)/.test(codeOf(error)) || /does not support SSL/.test(messageOf(error));
}

export function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : "";
}

function constraintOf(error: unknown): string {
  return typeof error === "object" && error !== null && "constraint" in error && typeof error.constraint === "string"
    ? error.constraint
    : "";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
