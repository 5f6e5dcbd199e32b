import { z } from "zod";

const ISO_TIME = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;

/** An instant in ISO 8601; without a zone it is UTC. Undefined: it is none. */
export function parseTime(text: string): Date | undefined {
  if (!ISO_TIME.test(text)) return undefined;
  const iso = text.replace(" ", "T");
  const time = new Date(iso.length > 10 && !/(Z|[+-]\d{2}:?\d{2})$/i.test(iso) ? `${iso}Z` : iso);
  // JavaScript takes 30 February for 1 March; a date that is none is an error.
  const day = Number(text.slice(8, 10));
  const isDay = day <= new Date(Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)), 0)).getUTCDate();
  return Number.isNaN(time.getTime()) || !isDay || time.getUTCFullYear() < 1 ? undefined : time;
}

/** A field that is an instant. */
export function time(description: string) {
  return z
    .string()
    .transform((text, context) => {
      const parsed = parseTime(text.trim());
      if (parsed === undefined)
        context.addIssue({ code: "custom", message: "must be a time in ISO 8601, such as 2026-05-18T10:30:00Z" });
      return parsed ?? z.NEVER;
    })
    .meta({ description, type: "string", format: "date-time" });
}

/** A field that is an instant and its offset, which is the asker's: at 01:00+03:00 it is another day than in UTC. */
export function askedTime(description: string) {
  return z
    .string()
    .transform((text, context) => {
      const at = parseTime(text.trim());
      if (at === undefined)
        context.addIssue({ code: "custom", message: "must be a time in ISO 8601, such as 2026-05-18T10:30:00+03:00" });
      return at === undefined ? z.NEVER : { at, offsetMinutes: offsetOf(text.trim()) };
    })
    .meta({ description, type: "string", format: "date-time" });
}

function offsetOf(time: string): number {
  const [, sign, hours, minutes] = /:.*([+-])(\d{2}):?(\d{2})$/.exec(time) ?? [];
  return (sign === "-" ? -1 : 1) * (60 * Number(hours ?? 0) + Number(minutes ?? 0));
}
