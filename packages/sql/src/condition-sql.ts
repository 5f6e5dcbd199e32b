import { COLUMNS, FOLD_FROM, FOLD_TO, type ColumnName, type Condition, type Field, type Scalar } from "@engram/memory";
import type { Values } from "./values.ts";

type Value = Scalar | Date;
type Comparison = "eq" | "gt" | "gte" | "lt" | "lte";

const SIGNS: Readonly<Record<Comparison, string>> = { eq: "=", gt: ">", gte: ">=", lt: "<", lte: "<=" };

/** A condition over the alias `m`, true or false of every row, with one meaning as `matches` has it. Values are `$n` alone. */
export function conditionSql(condition: Condition, values: Values): string {
  switch (condition.op) {
    case "and":
      return condition.of.length === 0
        ? "true"
        : `(${condition.of.map((one) => conditionSql(one, values)).join(" AND ")})`;
    case "or":
      return condition.of.length === 0
        ? "false"
        : `(${condition.of.map((one) => conditionSql(one, values)).join(" OR ")})`;
    case "not":
      return `(NOT ${conditionSql(condition.of, values)})`;
    case "present":
      return presentSql(condition.field, values);
    case "in":
      if (condition.values.length === 0) return "false";
      return `(${condition.values.map((value) => leafSql("eq", condition.field, value, values)).join(" OR ")})`;
    case "contains":
      return containsSql(condition.field, condition.value, values);
    case "icontains":
      return anyElementSql(
        condition.field,
        values,
        (text) => `position(${foldSql(values.add(condition.value), values)} IN ${foldSql(text, values)}) > 0`,
      );
    default:
      return leafSql(condition.op, condition.field, condition.value, values);
  }
}

function foldSql(text: string, values: Values): string {
  return `translate(${text}::text, ${values.add(FOLD_FROM)}::text, ${values.add(FOLD_TO)}::text)`;
}

/** The column as it compares: times to the millisecond, importance to six digits. */
function columnSql(column: ColumnName): string {
  switch (column) {
    case "session_id":
      return "m.session_ids";
    case "agent_id":
      return "m.agent_ids";
    case "importance":
      return "m.importance::numeric";
    case "seen_count":
      return "m.seen_count::numeric";
    case "occurred_at":
    case "created_at":
    case "updated_at":
    case "expires_at":
      return `date_trunc('milliseconds', m.${column})`;
    default:
      return `m.${column}`;
  }
}

/** One step after the other: a list has no fields, whatever the key. */
function metadataSql(path: readonly string[], values: Values): string {
  return `(${["m.metadata", ...path.map((key) => `${values.add(key)}::text`)].join(" -> ")})`;
}

function presentSql(field: Field, values: Values): string {
  if ("path" in field) return `(coalesce(${metadataSql(field.path, values)}, 'null'::jsonb) <> 'null'::jsonb)`;
  const column = columnSql(field.column);
  return COLUMNS[field.column] === "texts" ? `(cardinality(${column}) > 0)` : `(${column} IS NOT NULL)`;
}

function leafSql(op: Comparison, field: Field, value: Value, values: Values): string {
  if ("path" in field) return elementsSql(field.path, values, scalarSql(op, value, values));
  const kind = COLUMNS[field.column];
  const column = columnSql(field.column);
  if (kind === "texts") {
    if (typeof value !== "string") return "false";
    return `EXISTS (SELECT FROM unnest(${column}) AS e (x) WHERE e.x COLLATE "C" ${SIGNS[op]} ${values.add(value)}::text)`;
  }
  if (kind === "text") {
    if (typeof value !== "string") return "false";
    return `coalesce(${column} COLLATE "C" ${SIGNS[op]} ${values.add(value)}::text, false)`;
  }
  if (kind === "number")
    return typeof value === "number"
      ? `coalesce(${column} ${SIGNS[op]} ${values.add(String(value))}::numeric, false)`
      : "false";
  return value instanceof Date ? `coalesce(${column} ${SIGNS[op]} ${values.add(value)}::timestamptz, false)` : "false";
}

/** True where any element of the value at the path, or the value itself, is as `predicate` says of `e.x`. */
function elementsSql(path: readonly string[], values: Values, predicate: string): string {
  const value = metadataSql(path, values);
  return `EXISTS (SELECT FROM jsonb_array_elements(CASE jsonb_typeof(${value}) WHEN 'array' THEN ${value} ELSE jsonb_build_array(${value}) END) AS e (x) WHERE ${predicate})`;
}

function scalarSql(op: Comparison, value: Value, values: Values): string {
  if (typeof value === "boolean") return op === "eq" ? `e.x = ${values.add(String(value))}::jsonb` : "false";
  if (typeof value === "number")
    return `CASE WHEN jsonb_typeof(e.x) = 'number' THEN (e.x #>> '{}')::numeric ${SIGNS[op]} ${values.add(String(value))}::numeric ELSE false END`;
  if (typeof value === "string")
    return `jsonb_typeof(e.x) = 'string' AND (e.x #>> '{}') COLLATE "C" ${SIGNS[op]} ${values.add(value)}::text`;
  return "false";
}

function containsSql(field: Field, value: Value, values: Values): string {
  if ("column" in field) {
    const kind = COLUMNS[field.column];
    if (kind === "texts") return leafSql("eq", field, value, values);
    if (kind !== "text" || typeof value !== "string") return "false";
    return `coalesce(position(${values.add(value)}::text IN ${columnSql(field.column)}) > 0, false)`;
  }
  const whole = metadataSql(field.path, values);
  const asText =
    typeof value === "string"
      ? `WHEN 'string' THEN position(${values.add(value)}::text IN (${whole} #>> '{}')) > 0`
      : "WHEN 'string' THEN false";
  return `coalesce(CASE jsonb_typeof(${whole}) ${asText} WHEN 'array' THEN ${elementsSql(field.path, values, scalarSql("eq", value, values))} ELSE false END, false)`;
}

/** True where the field, or any element of it, is a text as `predicate` says. */
function anyElementSql(field: Field, values: Values, predicate: (text: string) => string): string {
  if ("path" in field)
    return elementsSql(field.path, values, `jsonb_typeof(e.x) = 'string' AND ${predicate("(e.x #>> '{}')")}`);
  const kind = COLUMNS[field.column];
  const column = columnSql(field.column);
  if (kind === "texts") return `EXISTS (SELECT FROM unnest(${column}) AS e (x) WHERE ${predicate("e.x")})`;
  return kind === "text" ? `coalesce(${predicate(column)}, false)` : "false";
}
