import { COLUMNS, type ColumnName, type Condition, type Scalar } from "@engram/memory";

export type QdrantCondition = Readonly<Record<string, unknown>>;

/** A condition of Qdrant's, or one that every point or none fulfils. */
export type Narrowed = QdrantCondition | "all" | "none";

/** Which way to err where the payload does not tell: `above` lets more through, `below` less. */
type Side = "above" | "below";
const OTHER_SIDE = { above: "below", below: "above" } as const;

/** The columns that a point carries, and under which name. */
const PAYLOAD_KEYS: Partial<Record<ColumnName, string>> = {
  session_id: "session",
  agent_id: "agent",
  level: "level",
  type: "type",
  key: "key",
  importance: "importance",
  categories: "categories",
  occurred_at: "occurred_at",
  created_at: "created_at",
  expires_at: "expires_at",
};

/** A point has its importance as the row has it, a condition takes it to six digits. */
const IMPORTANCE_TOLERANCE = 1e-6;
/** Years of four digits: what RFC 3339 and Qdrant know. */
const TIME_MIN = Date.UTC(0, 0, 1);
const TIME_MAX = Date.UTC(9999, 11, 31);

/**
 * What the payload tells of a condition: lets through at least all that the condition does, never less. Columns that points
 * carry are asked as they are; content, counts and metadata only the row knows, so they leave nothing out, and the join to the
 * rows decides.
 */
export function narrow(condition: Condition): Narrowed {
  return bound(condition, "above");
}

function bound(condition: Condition, side: Side): Narrowed {
  switch (condition.op) {
    case "and":
      return joined(
        condition.of.map((one) => bound(one, side)),
        { clause: "must", neutral: "all", absorbing: "none" },
      );
    case "or":
      return joined(
        condition.of.map((one) => bound(one, side)),
        { clause: "should", neutral: "none", absorbing: "all" },
      );
    case "not":
      return negated(bound(condition.of, OTHER_SIDE[side]));
    default:
      return leaf(condition, side) ?? unknown(side);
  }
}

function joined(
  parts: readonly Narrowed[],
  { clause, neutral, absorbing }: { clause: "must" | "should"; neutral: "all" | "none"; absorbing: "all" | "none" },
): Narrowed {
  if (parts.includes(absorbing)) return absorbing;
  const told = parts.filter((part) => part !== neutral);
  // An empty list of Qdrant's lets everything through.
  return told.length === 0 ? neutral : { [clause]: told };
}

function negated(part: Narrowed): Narrowed {
  if (part === "all") return "none";
  return part === "none" ? "all" : { must_not: [part] };
}

type Leaf = Exclude<Condition, { readonly op: "and" | "or" | "not" }>;

/** Undefined: the payload does not tell. */
function leaf(condition: Leaf, side: Side): Narrowed | undefined {
  if (!("column" in condition.field)) return undefined;
  const { column } = condition.field;
  const key = PAYLOAD_KEYS[column];
  if (key === undefined) return undefined;
  if (condition.op === "present") return { must_not: [{ is_empty: { key } }] };
  if (condition.op === "icontains") return undefined;
  if (condition.op === "in")
    return joined(
      condition.values.map((value) => comparison(key, column, { op: "eq", value, side }) ?? unknown(side)),
      { clause: "should", neutral: "none", absorbing: "all" },
    );
  if (condition.op !== "contains") return comparison(key, column, { op: condition.op, value: condition.value, side });
  // Of a list an element, of a text a part of it, of anything else nothing.
  if (COLUMNS[column] === "texts") return comparison(key, column, { op: "eq", value: condition.value, side });
  return COLUMNS[column] === "text" ? undefined : "none";
}

const unknown = (side: Side): Narrowed => (side === "above" ? "all" : "none");

interface Comparison {
  readonly op: "eq" | "gt" | "gte" | "lt" | "lte";
  readonly value: Scalar | Date;
  readonly side: Side;
}

/** A value of another kind than the column is never equal to it, nor before or behind it. */
function comparison(key: string, column: ColumnName, { op, value, side }: Comparison): Narrowed | undefined {
  const kind = COLUMNS[column];
  if (kind === "number") return typeof value === "number" ? importanceRange(key, { op, value, side }) : "none";
  if (kind === "time") return value instanceof Date ? timeRange(key, op, value) : "none";
  if (typeof value !== "string") return "none";
  return op === "eq" ? { key, match: { value } } : undefined;
}

function importanceRange(
  key: string,
  { op, value, side }: { op: Comparison["op"]; value: number; side: Side },
): Narrowed | undefined {
  if (op === "eq") {
    if (side === "below") return undefined;
    return { key, range: { gte: value - IMPORTANCE_TOLERANCE, lte: value + IMPORTANCE_TOLERANCE } };
  }
  const isWider = (op === "lt" || op === "lte") === (side === "above");
  return { key, range: { [op]: value + (isWider ? IMPORTANCE_TOLERANCE : -IMPORTANCE_TOLERANCE) } };
}

function timeRange(key: string, op: Comparison["op"], value: Date): Narrowed | undefined {
  if (!(value.getTime() >= TIME_MIN && value.getTime() <= TIME_MAX)) return undefined;
  const time = value.toISOString();
  return { key, range: op === "eq" ? { gte: time, lte: time } : { [op]: time } };
}
