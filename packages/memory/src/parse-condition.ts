import { COLUMNS, type ColumnName, type Condition, type Field, type Scalar } from "./condition.ts";
import { MemoryError } from "./errors.ts";

/** A condition that needs more is a report, not a search. */
const DEPTH_MAX = 8;
const LEAVES_MAX = 100;
const VALUES_MAX = 1_000;
const TEXT_LENGTH_MAX = 4_096;
const PATH_MAX = 8;

/** Names under which other clients know our columns (mem0's). */
const ALIASES: Readonly<Record<string, ColumnName>> = {
  run_id: "session_id",
  text: "content",
  memory: "content",
  timestamp: "occurred_at",
  expiration_date: "expires_at",
};
const COMPARISONS = ["gt", "gte", "lt", "lte"] as const;
const OPERATORS = new Set<string>(["eq", "ne", ...COMPARISONS, "in", "nin", "contains", "icontains"]);

interface Parsing {
  leaves: number;
}

/**
 * `filters` of a search as a condition: `AND`, `OR` (lists), `NOT` (one, or a list of which none may be), and fields with a
 * bare value, `"*"` (is there at all) or operators. Several fields are all to be true. Fields are columns, or metadata: as
 * `metadata.a.b`, within `metadata: {…}` (where alone objects may lead further in), or by their bare name. Throws `invalid` with the path of what is wrong.
 */
export function parseCondition(given: unknown): Condition {
  return parseNode(given, "filters", { leaves: 0 }, 0);
}

function parseNode(given: unknown, path: string, parsing: Parsing, depth: number): Condition {
  if (depth > DEPTH_MAX) throw wrong(path, `is nested deeper than ${DEPTH_MAX} levels`);
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw wrong(path, "must be an object");
  const parts = Object.entries(given).map(([name, value]) => {
    const at = `${path}.${name}`.slice(0, 200);
    switch (name.toUpperCase()) {
      case "AND":
        return { op: "and", of: parseList(value, at, parsing, depth) } as const;
      case "OR":
        return { op: "or", of: parseList(value, at, parsing, depth) } as const;
      case "NOT":
        return {
          op: "not",
          of: { op: "or", of: parseList(Array.isArray(value) ? value : [value], at, parsing, depth) },
        } as const;
      default:
        return parseField(name, value, at, parsing);
    }
  });
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { op: "and", of: parts };
}

function parseList(given: unknown, path: string, parsing: Parsing, depth: number): readonly Condition[] {
  if (!Array.isArray(given)) throw wrong(path, "must be a list of conditions");
  return given.map((one, i) => parseNode(one, `${path}.${i}`, parsing, depth + 1));
}

function parseField(name: string, given: unknown, path: string, parsing: Parsing): Condition {
  const [first = "", ...rest] = name.split(".");
  if (first === "metadata") {
    if (rest.length > 0) return parseOperators({ path: metadataPath(rest, path) }, given, path, parsing);
    if (!isPlainObject(given)) throw wrong(path, "must be an object of fields of the metadata");
    const parts = Object.entries(given).map(([key, value]) => parseMetadata([key], value, `${path}.${key}`, parsing));
    return { op: "and", of: parts };
  }
  const column = Object.hasOwn(COLUMNS, name)
    ? (name as ColumnName)
    : Object.hasOwn(ALIASES, name)
      ? ALIASES[name]
      : undefined;
  return parseOperators(column === undefined ? { path: metadataPath([name], path) } : { column }, given, path, parsing);
}

function metadataPath(keys: readonly string[], path: string): readonly string[] {
  if (keys.length > PATH_MAX) throw wrong(path, `leads deeper than ${PATH_MAX} levels into the metadata`);
  for (const key of keys) assertText(key, path);
  return keys;
}

/** An object without any operator leads further in. */
function parseMetadata(keys: readonly string[], given: unknown, path: string, parsing: Parsing): Condition {
  const field = { path: metadataPath(keys, path) };
  const names = isPlainObject(given) ? Object.keys(given) : [];
  if (!isPlainObject(given) || names.length === 0 || names.some((name) => OPERATORS.has(name)))
    return parseOperators(field, given, path, parsing);
  const parts = Object.entries(given).map(([key, value]) =>
    parseMetadata([...keys, key], value, `${path}.${key}`, parsing),
  );
  return { op: "and", of: parts };
}

function parseOperators(field: Field, given: unknown, path: string, parsing: Parsing): Condition {
  if (!isPlainObject(given)) return parseBare(field, given, path, parsing);
  const parts = Object.entries(given).map(([operator, value]) =>
    parseOperator(field, operator, value, `${path}.${operator}`, parsing),
  );
  if (parts.length === 0) throw wrong(path, "must name an operator, such as eq");
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { op: "and", of: parts };
}

/** A bare value is eq, a list in, `*` that there is one, null that there is none. */
function parseBare(field: Field, given: unknown, path: string, parsing: Parsing): Condition {
  countLeaf(path, parsing);
  if (given === "*") return { op: "present", field };
  if (given === null) return { op: "not", of: { op: "present", field } };
  if (Array.isArray(given)) return { op: "in", field, values: valuesOf(field, given, path) };
  return { op: "eq", field, value: valueOf(field, given, path) };
}

function parseOperator(field: Field, operator: string, given: unknown, path: string, parsing: Parsing): Condition {
  countLeaf(path, parsing);
  switch (operator) {
    case "eq":
    case "ne": {
      const is: Condition =
        given === "*"
          ? { op: "present", field }
          : given === null
            ? { op: "not", of: { op: "present", field } }
            : { op: "eq", field, value: valueOf(field, given, path) };
      return operator === "eq" ? is : { op: "not", of: is };
    }
    case "in":
    case "nin": {
      const isIn: Condition = {
        op: "in",
        field,
        values: valuesOf(field, Array.isArray(given) ? given : [given], path),
      };
      return operator === "in" ? isIn : { op: "not", of: isIn };
    }
    case "contains":
      return { op: "contains", field, value: valueOf(field, given, path) };
    case "icontains": {
      if (typeof given !== "string") throw wrong(path, "must be a text");
      assertText(given, path);
      return { op: "icontains", field, value: given };
    }
    default: {
      const comparison = COMPARISONS.find((one) => one === operator);
      if (comparison === undefined) throw wrong(path, `is no operator; there are ${[...OPERATORS].join(", ")}`);
      if (typeof given === "boolean") throw wrong(path, "must be a number, a time or a text");
      return { op: comparison, field, value: valueOf(field, given, path) };
    }
  }
}

function countLeaf(path: string, parsing: Parsing): void {
  parsing.leaves += 1;
  if (parsing.leaves > LEAVES_MAX) throw wrong(path, `is one condition too many, ${LEAVES_MAX} are taken`);
}

function valuesOf(field: Field, given: readonly unknown[], path: string): readonly (Scalar | Date)[] {
  if (given.length > VALUES_MAX) throw wrong(path, `holds ${given.length} values, at most ${VALUES_MAX} are taken`);
  return given.map((one, i) => valueOf(field, one, `${path}.${i}`));
}

/** As the field's kind wants it; of metadata as it is. */
function valueOf(field: Field, given: unknown, path: string): Scalar | Date {
  if (typeof given === "string") assertText(given, path);
  if (!("column" in field)) {
    if (
      typeof given === "string" ||
      typeof given === "boolean" ||
      (typeof given === "number" && Number.isFinite(given))
    )
      return given;
    throw wrong(path, "must be a text, a number, true or false");
  }
  switch (COLUMNS[field.column]) {
    case "number": {
      const number = typeof given === "string" && given.trim() !== "" ? Number(given) : given;
      if (typeof number === "number" && Number.isFinite(number)) return number;
      throw wrong(path, "must be a number");
    }
    case "time": {
      const time = timeOf(given);
      if (time !== undefined) return time;
      throw wrong(path, "must be a time in ISO 8601, such as 2026-05-18T10:30:00Z");
    }
    default:
      if (typeof given === "string") return given;
      if (typeof given === "number" && Number.isFinite(given)) return String(given); // ids, as automation tools send them
      throw wrong(path, "must be a text");
  }
}

/** ISO 8601, in UTC where no zone is said; or seconds, or milliseconds, since 1970. */
function timeOf(given: unknown): Date | undefined {
  const time =
    typeof given === "number"
      ? new Date(Math.abs(given) > 1e11 ? given : given * 1000)
      : typeof given === "string" && /^\d{4}-\d{2}-\d{2}/.test(given)
        ? new Date(given.length > 10 && !/(Z|[+-]\d{2}:?\d{2})$/i.test(given) ? `${given.replace(" ", "T")}Z` : given)
        : undefined;
  return time === undefined || Number.isNaN(time.getTime()) || time.getUTCFullYear() < 1 ? undefined : time;
}

function assertText(text: string, path: string): void {
  if (text.length > TEXT_LENGTH_MAX) throw wrong(path, `is longer than ${TEXT_LENGTH_MAX} characters`);
  if (text.includes("\0") || !text.isWellFormed())
    throw wrong(path, "contains a NUL character or a lone surrogate, which is not text");
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wrong(path: string, problem: string): MemoryError {
  const field = path.replaceAll("\0", "").toWellFormed().slice(0, 200);
  const message = `${field}: ${problem}`;
  return new MemoryError("invalid", message, { details: [{ field, message }] });
}
