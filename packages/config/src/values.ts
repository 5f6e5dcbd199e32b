/*
 * How one variable's text becomes a value. Each is a zod schema whose messages tell the operator what to write.
 */
import { z } from "zod";
import { addressFault } from "./address.ts";
import { isPlaceholder } from "./placeholders.ts";

/** Makes a schema of a function that gives the value or throws a `Refusal`. */
function read<T>(parse: (text: string) => T) {
  return z.string().transform((text, context): T => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      context.addIssue({ code: "custom", message: error.message });
      return z.NEVER;
    }
  });
}

class Refusal extends Error {}

export const text = read((value) => value);

/** A whole number within bounds, both included. */
export function wholeNumber(bounds: { min: number; max: number }) {
  return read((value) => {
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= bounds.min && number <= bounds.max) return number;
    throw new Refusal(`is ${JSON.stringify(value)}, but must be a whole number from ${bounds.min} to ${bounds.max}`);
  });
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3_600, d: 86_400 };

/** A time as `24h`, `30m`, `7d` or plain seconds; 0 is none. In seconds. */
export const duration = read((value) => {
  const [, number, unit = ""] = /^(\d{1,9})(s|m|h|d)?$/i.exec(value) ?? [];
  const seconds = Number(number) * (UNIT_SECONDS[unit.toLowerCase()] ?? Number.NaN);
  if (!Number.isNaN(seconds)) return seconds;
  throw new Refusal(`is ${JSON.stringify(value)}, but must be a time such as 24h, 30m or 7d`);
});

/** `name=days` with commas between them. */
export function daysBy(names?: readonly string[]) {
  return read((value) => {
    const entries = value.split(",").map((part) => {
      const [, name = "", days = ""] = /^\s*([^=,\s][^=,]*?)\s*=\s*(\d{1,6})\s*$/.exec(part) ?? [];
      const isKnown = names === undefined || names.includes(name);
      if (!isKnown || Number(days) < 1) {
        const which = names === undefined ? "interaction=90,pattern=365" : `${names[0]}=90`;
        throw new Refusal(`is ${JSON.stringify(value)}, but must be names with days, such as ${which}`);
      }
      return [name, Number(days)] as const;
    });
    return Object.fromEntries(entries);
  });
}

/** An amount of money, more than nothing. */
export const dollars = read((value) => {
  const amount = /^\d{1,9}(\.\d{1,6})?$/.test(value) ? Number(value) : 0;
  if (amount > 0) return amount;
  throw new Refusal(`is ${JSON.stringify(value)}, but must be an amount of dollars, such as 5 or 0.50`);
});

/** Dollars for a million tokens, by model: `{"m": 0.1}` or `{"m": {"input": 0.1, "output": 0.4}}`. */
export const prices = read((value) => {
  const wrong = new Refusal('must be JSON such as {"my-model":{"input":0.15,"output":0.6}}');
  const parsed = priceTable.safeParse(parseJson(value));
  if (!parsed.success) throw wrong;
  return Object.fromEntries(
    Object.entries(parsed.data).map(([model, price]) => [
      model,
      typeof price === "number" ? { input: price, output: price } : price,
    ]),
  );
});

const amount = z.number().min(0);
const priceTable = z.record(z.string(), z.union([amount, z.object({ input: amount, output: amount })]));

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** 0 lets the system choose: of use to tests alone. */
export const port = wholeNumber({ min: 0, max: 65_535 });

export const flag = read((value) => {
  const word = value.toLowerCase();
  if (["1", "true", "yes", "on"].includes(word)) return true;
  if (["0", "false", "no", "off"].includes(word)) return false;
  throw new Refusal(`is ${JSON.stringify(value)}, but must be 1 or 0`);
});

export function oneOf<const T extends string>(choices: readonly T[]) {
  return read((value) => {
    const found = choices.find((choice) => choice === value.toLowerCase());
    if (found !== undefined) return found;
    throw new Refusal(`is ${JSON.stringify(value)}, but must be one of ${choices.join(", ")}`);
  });
}

/** A name or an address to listen on, without a port. */
export const host = read((value) => {
  if (/^[A-Za-z0-9._:%-]+$/.test(value) && !/^[^:]+:\d+$/.test(value)) return value;
  throw new Refusal(`is ${JSON.stringify(value)}, but must be a host without scheme and port`);
});

/** The address of a service. It may carry a password, so the messages never repeat it. */
export function address(...schemes: string[]) {
  return read((value) => {
    const fault = addressFault(value, schemes);
    if (fault !== undefined) throw new Refusal(fault);
    return value;
  });
}

/** PostgreSQL cuts names at 63 bytes; this leaves room for what names of indexes add to a table's. */
const identifierCharactersMax = 48;

/** The name of a table and of a Qdrant alias. `memories` is the table of the truth itself. */
export const collection = read((value) => {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(value) || value.length > identifierCharactersMax) {
    throw new Refusal(
      `is ${JSON.stringify(value)}, but must be a plain name: letters, digits and _, no digit first, at most ${identifierCharactersMax}`,
    );
  }
  if (value.toLowerCase() === "memories")
    throw new Refusal(`must not be "memories": that table holds the memories themselves`);
  return value;
});

/** Secrets that a header must carry: one or more, with commas or line ends between them. */
export const secrets = read((value) => splitList(value).map(requireHeaderSafe));

export const secret = read(requireHeaderSafe);

/** Origins as a browser sends them, or `*`. */
export const origins = read((value) =>
  splitList(value).map((entry) => {
    if (entry === "*") return entry;
    const url = URL.canParse(entry) ? new URL(entry) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol) || url.pathname !== "/" || url.search + url.hash !== "") {
      throw new Refusal(
        `has ${JSON.stringify(entry)}, but an origin is a scheme and a host: no path, no wildcard inside`,
      );
    }
    return url.origin;
  }),
);

/** Names of PostgreSQL's text search configurations; which of them there are only the database knows. */
export const languages = read((value) => {
  const names = splitList(value).map((name) => name.toLowerCase());
  const odd = names.find((name) => !/^[a-z]{1,32}$/.test(name));
  if (odd !== undefined)
    throw new Refusal(`has ${JSON.stringify(odd)}, which is no name of a language, such as english`);
  if (names.length === 0) throw new Refusal("names no language");
  return names;
});

function splitList(value: string): string[] {
  return [...new Set(value.split(/[,\r\n]/).map((entry) => entry.trim()))].filter((entry) => entry !== "");
}

function requireHeaderSafe(value: string): string {
  // A placeholder that a guide left in is told as a problem once the service is up, whatever its letters are.
  if (/^[\x21-\x7E]+$/.test(value) || isPlaceholder(value)) return value;
  throw new Refusal(
    "has spaces or letters that an HTTP header cannot carry; use letters, digits and punctuation of ASCII",
  );
}
