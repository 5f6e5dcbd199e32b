import { createHash, createHmac } from "node:crypto";
import { MemoryError, type KeyedWrite } from "@engram/memory";
import type { Request } from "express";
import type { Principal } from "./auth.ts";

export const IDEMPOTENCY_KEY = "Idempotency-Key";
/** On an answer that was given before. */
export const IDEMPOTENCY_REPLAYED = "Idempotency-Replayed";
/** As Stripe and most after it have it; a UUID takes 36. */
export const IDEMPOTENCY_KEY_LENGTH_MAX = 255;

const PRINTABLE = new RegExp(`^[\\x20-\\x7e]{1,${IDEMPOTENCY_KEY_LENGTH_MAX}}$`);

/**
 * What a request with an Idempotency-Key is known by; undefined without one. Throws `invalid` for a key that is none.
 * The key belongs to who sent it. What is asked is hashed under the key itself, so that the digest of a guessable body
 * tells nothing to whoever reads the database.
 */
export function keyedWrite(req: Request, principal: Principal): KeyedWrite | undefined {
  const key = req.get(IDEMPOTENCY_KEY);
  if (key === undefined) return undefined;
  if (!PRINTABLE.test(key)) {
    const message = `${IDEMPOTENCY_KEY}: must be 1 to ${IDEMPOTENCY_KEY_LENGTH_MAX} printable ASCII characters`;
    throw new MemoryError("invalid", message, { details: [{ field: IDEMPOTENCY_KEY, message }] });
  }
  const holder = JSON.stringify([principal.projectId, principal.name, key]);
  return {
    key: createHash("sha256").update(holder).digest("hex"),
    request: createHmac("sha256", key)
      .update(`${req.method} ${req.originalUrl}\n${canonicalJson(req.body)}`)
      .digest("hex"),
  };
}

/**
 * One text for equal values, whatever the order of their fields. Not JSON, but as unambiguous: containers say how many
 * follow. Without recursion, for the depth is the caller's.
 */
export function canonicalJson(value: unknown): string {
  const parts: string[] = [];
  const left: unknown[] = [value];
  while (left.length > 0) {
    const item = left.pop();
    if (Array.isArray(item)) {
      parts.push(`[${item.length}`);
      for (let i = item.length - 1; i >= 0; i--) left.push(item[i]);
    } else if (typeof item === "object" && item !== null) {
      const fields = Object.entries(item).toSorted(([a], [b]) => (a < b ? 1 : -1));
      parts.push(`{${fields.length}`);
      for (const [name, field] of fields) left.push(field, name);
    } else parts.push(JSON.stringify(item) ?? "undefined");
  }
  return parts.join(",");
}
