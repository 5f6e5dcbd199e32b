import { createHash } from "node:crypto";
import { MemoryError } from "./errors.ts";

/** 64 KiB of UTF-8 is the longest content (CONTRACT.md 1). */
export const CONTENT_BYTES_MAX = 65_536;

/** One form for equal texts: NFC, without white space around it. Throws `invalid` or `too_large`, naming `field`. */
export function normalizeContent(text: string, field = "content"): string {
  assertStorable(text, field);
  const content = text.normalize("NFC").trim();
  if (content === "") {
    const message = `${field} must not be empty`;
    throw new MemoryError("invalid", message, { details: [{ field, message }] });
  }
  const bytes = Buffer.byteLength(content);
  if (bytes > CONTENT_BYTES_MAX) {
    const message = `${field} is ${bytes} bytes of UTF-8, at most ${CONTENT_BYTES_MAX} are kept`;
    throw new MemoryError("too_large", message, { details: [{ field, message }] });
  }
  return content;
}

/** As much of a text as can be kept: without NUL and halves of pairs, and its first 64 KiB. May be empty; never throws. */
export function storableContent(text: string): string {
  const bytes = Buffer.from(text.replaceAll("\0", "").toWellFormed().normalize("NFC").trim());
  // Told that more follows, the decoder leaves a character out that is cut in the middle.
  return new TextDecoder().decode(bytes.subarray(0, CONTENT_BYTES_MAX), { stream: true }).trimEnd();
}

/** PostgreSQL's text takes neither NUL nor half of a surrogate pair: refuse both with the field's name. */
export function assertStorable(text: string, field: string): void {
  const fault = text.includes("\0") ? "a NUL character" : text.isWellFormed() ? undefined : "a lone surrogate";
  if (fault === undefined) return;
  const message = `${field} contains ${fault}, which is not text`;
  throw new MemoryError("invalid", message, { details: [{ field, message }] });
}

/** What the index remembers of the text that it embedded: 16 hex characters of its sha256. */
export function contentHash(content: string): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}
