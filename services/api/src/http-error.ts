import { formatMemoryId, MemoryError, toMemoryError, type ErrorCode } from "@engram/memory";
import type { ErrorRequestHandler, Request, Response } from "express";
import type { ApiDeps } from "./app.ts";
import { isProxied } from "./auth.ts";
import { requestIdOf } from "./request-id.ts";

/** Which status each code of the domain has on the wire. */
const STATUSES = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  unsupported: 415,
  key_reused: 422,
  rate_limited: 429,
  unavailable: 503,
  internal: 500,
} as const satisfies Record<ErrorCode, number>;

/** The reason of each status, as the guide writes them. */
const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Payload Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Entity",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

const RETRY_AFTER_SECONDS_DEFAULT = 5;

/** The one place where an error becomes an answer: the caller's text goes out, the cause goes into the log. */
export function errorHandler({ logger }: ApiDeps): ErrorRequestHandler {
  return (thrown: unknown, req, res, _next) => {
    const error = bodyParserError(thrown) ?? toMemoryError(thrown);
    const status = STATUSES[error.code];
    const told = { requestId: requestIdOf(res), code: error.code };
    // A refusal that has no cause is how this installation is set up, or the provider's word, and no fault of ours.
    if (status >= 500 && (status !== 503 || error.cause !== undefined))
      logger.error({ ...told, err: error.cause ?? error }, "Request failed");
    else if (status === 503) logger.warn({ ...told, reason: error.message }, "Request refused");
    if (res.headersSent) {
      req.socket.destroy();
      return;
    }
    if (status === 429 || status === 503 || error.retryAfterSeconds !== undefined)
      res.setHeader("Retry-After", String(Math.ceil(error.retryAfterSeconds ?? RETRY_AFTER_SECONDS_DEFAULT)));
    if (status === 401) res.setHeader("WWW-Authenticate", 'Bearer realm="engram"');
    sendError(res, status, error.message, error);
  };
}

/** As OpenAI's clients read it. */
function sendOpenAIError(res: Response, status: number, message: string, code: string): void {
  const type =
    status === 401
      ? "authentication_error"
      : status === 429
        ? "rate_limit_error"
        : status >= 500
          ? "server_error"
          : "invalid_request_error";
  res.status(status).json({ error: { message, type, param: null, code } });
}

export function sendError(res: Response, status: number, message: string, error?: MemoryError): void {
  if (isProxied(res.req)) {
    sendOpenAIError(res, status, message, error?.code ?? (status === 405 ? "method_not_allowed" : "invalid"));
    return;
  }
  const details =
    error?.details.map((detail) => (detail.id === undefined ? detail : { ...detail, id: formatMemoryId(detail.id) })) ??
    [];
  res.status(status).json({
    error: REASONS[status] ?? "Error",
    message,
    request_id: requestIdOf(res),
    ...(details.length === 0 ? {} : { details }),
  });
}

/** 405 with what would have been allowed. */
export function methodNotAllowed(allowed: readonly string[]) {
  return (_req: Request, res: Response): void => {
    res.setHeader("Allow", allowed.join(", "));
    sendError(res, 405, `Allowed here: ${allowed.join(", ")}`);
  };
}

/** What express.json throws, in our words; its own would quote the body. */
function bodyParserError(thrown: unknown): MemoryError | undefined {
  // A path whose %-escapes are broken: nothing can be there.
  if (thrown instanceof URIError) return toMemoryErrorOf("not_found", "Not found", thrown);
  if (typeof thrown !== "object" || thrown === null) return undefined;
  const { type, status, expose } = thrown as { type?: unknown; status?: unknown; expose?: unknown };
  switch (type) {
    case "entity.parse.failed":
      return toMemoryErrorOf("invalid", "Malformed JSON in the body", thrown);
    case "entity.verify.failed":
      return toMemoryErrorOf("invalid", "The body is not UTF-8", thrown);
    case "entity.too.large":
      return toMemoryErrorOf("too_large", "The body is larger than this route takes", thrown);
    case "charset.unsupported":
      return toMemoryErrorOf("unsupported", "The body's charset is not supported; send UTF-8", thrown);
    case "encoding.unsupported":
      return toMemoryErrorOf(
        "unsupported",
        "The body's Content-Encoding is not supported; send gzip, deflate or br, or none",
        thrown,
      );
    case "request.aborted":
    case "request.size.invalid":
      return toMemoryErrorOf("invalid", "The body did not arrive whole", thrown);
    default:
      // What zlib says has no type.
      return status === 400 && expose === true
        ? toMemoryErrorOf("invalid", "The body is not what its Content-Encoding says", thrown)
        : undefined;
  }
}

function toMemoryErrorOf(code: ErrorCode, message: string, cause: unknown): MemoryError {
  return new MemoryError(code, message, { cause });
}
