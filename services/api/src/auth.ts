import { hash, timingSafeEqual } from "node:crypto";
import { DEFAULT_PROJECT_ID, MemoryError } from "@engram/memory";
import type { Request, RequestHandler, Response } from "express";

/** Who holds the key of a request, and for which project. */
export interface Principal {
  readonly projectId: string;
  /** The key's own name: the first 8 hex characters of its sha256. */
  readonly name: string;
}

/**
 * `Authorization: Bearer KEY`, `Authorization: Token KEY` or `X-API-Key: KEY`. A wrong key is 401 everywhere, open
 * routes included (the guide tests keys on /api/health); without a key only open routes answer.
 */
export function authenticate(keys: readonly string[], isOpen: (req: Request) => boolean): RequestHandler {
  const known = keys.map((key) => {
    const digest = sha256(key);
    return { digest, principal: { projectId: DEFAULT_PROJECT_ID, name: digest.toString("hex").slice(0, 8) } };
  });

  return (req, res, next) => {
    const given = keyOf(req);
    if (given === undefined) {
      if (!isOpen(req)) throw noKey();
      next();
      return;
    }
    // A fast hash will do for keys of 128 bits and more (ASVS 5.0, 6.5.2); every key is compared, whichever matches.
    const digest = sha256(given);
    let found: Principal | undefined;
    for (const one of known) if (timingSafeEqual(one.digest, digest)) found = one.principal;
    if (found === undefined) throw new MemoryError("unauthorized", "Invalid API key");
    res.locals["principal"] = found;
    next();
  };
}

/** The holder of the request's key; only behind `authenticate` on a route that is not open. */
export function principalOf(res: Response): Principal {
  const principal = maybePrincipalOf(res);
  if (principal === undefined) throw noKey();
  return principal;
}

export function maybePrincipalOf(res: Response): Principal | undefined {
  return res.locals["principal"] as Principal | undefined;
}

/** The guide's words; some clients drop the header on the way (n8n#14615), so the details say that none came. */
function noKey(): MemoryError {
  return new MemoryError("unauthorized", "Invalid API key", {
    details: [{ message: "No key was sent: send Authorization: Bearer KEY, or X-API-Key: KEY" }],
  });
}

/** Paths of OpenAI's API: whoever holds our key in X-API-Key has the provider's in Authorization. */
export function isProxied(req: Request): boolean {
  return req.path === "/v1/chat/completions" || req.path === "/v1/models";
}

/**
 * The provider's key that a caller brings along. Nothing where Authorization holds our own, beside X-API-Key too, as
 * clients do that fill in both from one setting: our keys go to nobody.
 */
export function upstreamAuthorization(req: Request, keys: readonly string[]): { authorization?: string } {
  const authorization = req.get("authorization");
  if (!hasOwnHeader(req) || authorization === undefined || authorization === "") return {};
  const digest = sha256(keyIn(authorization));
  return keys.some((key) => timingSafeEqual(sha256(key), digest)) ? {} : { authorization };
}

function hasOwnHeader(req: Request): boolean {
  return (req.get("x-api-key") ?? "") !== "";
}

function keyOf(req: Request): string | undefined {
  if (isProxied(req) && hasOwnHeader(req)) return req.get("x-api-key");
  const header = req.get("authorization");
  if (header !== undefined && header !== "") return keyIn(header);
  const key = req.get("x-api-key");
  return key === "" ? undefined : key;
}

/** Of a header of another form all: that is a wrong key, not none. */
function keyIn(authorization: string): string {
  const [, key] = /^(?:Bearer|Token)\s+(\S+)\s*$/i.exec(authorization) ?? [];
  return key ?? authorization;
}

function sha256(key: string): Buffer {
  return hash("sha256", key, "buffer");
}
