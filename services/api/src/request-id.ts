import { randomUUID } from "node:crypto";
import type { RequestHandler, Response } from "express";

/** Long enough for a UUID or a trace id with its flags; printable, so that it can stand in logs and headers. */
const ACCEPTED = /^[\w.:/+=@-]{1,128}$/;

/** `X-Request-Id` in and out; what cannot stand in a log is replaced. */
export const requestId: RequestHandler = (req, res, next) => {
  const given = req.get("x-request-id");
  res.locals["requestId"] = given !== undefined && ACCEPTED.test(given) ? given : randomUUID();
  res.setHeader("X-Request-Id", requestIdOf(res));
  next();
};

export function requestIdOf(res: Response): string {
  const id: unknown = res.locals["requestId"];
  return typeof id === "string" ? id : "";
}
