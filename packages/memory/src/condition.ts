import type { Memory } from "./memory.ts";

/*
 * Conditions on memories, as `filters` asks for them. One meaning, said here by `matches`; the compilers (SQL, and through it
 * every index) agree with it, which tests show over random conditions.
 *
 * A leaf is true or false, never unknown: of a field that is missing, or of another kind than the value, it is false. So
 * `ne` and `nin`, which are `eq` and `in` turned round, are true of what is missing. A list has what any of its elements has.
 * Texts are equal and ordered by their code points, `icontains` folds the letters of FOLD_FROM; numbers are equal as numbers;
 * times to the millisecond, importance to six digits. A number is never equal to a text.
 */

/** Columns that may be asked for, with their kind. */
export const COLUMNS = {
  user_id: "text",
  agent_id: "texts",
  session_id: "texts",
  level: "text",
  type: "text",
  key: "text",
  content: "text",
  importance: "number",
  categories: "texts",
  seen_count: "number",
  occurred_at: "time",
  created_at: "time",
  updated_at: "time",
  expires_at: "time",
} as const;
export type ColumnName = keyof typeof COLUMNS;

export type Field =
  | { readonly column: ColumnName }
  /** From the outside in; never through a list. */
  | { readonly path: readonly string[] };

export type Scalar = string | number | boolean;

export type Condition =
  | { readonly op: "and" | "or"; readonly of: readonly Condition[] }
  | { readonly op: "not"; readonly of: Condition }
  /** Not missing: of a list, not empty; of metadata, not null. */
  | { readonly op: "present"; readonly field: Field }
  | { readonly op: "eq" | "gt" | "gte" | "lt" | "lte"; readonly field: Field; readonly value: Scalar | Date }
  /** Of a text a part of it, of a list one of its elements. */
  | { readonly op: "contains"; readonly field: Field; readonly value: Scalar | Date }
  | { readonly op: "icontains"; readonly field: Field; readonly value: string }
  | { readonly op: "in"; readonly field: Field; readonly values: readonly (Scalar | Date)[] };

/** What a condition may look at: a memory with every session and agent that told it. */
export interface Conditioned extends Memory {
  readonly sessionIds: readonly string[];
  readonly agentIds: readonly string[];
}

const pairs = (from: number, to: number, distance: number, skip: readonly number[] = []): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)
    .filter((code) => !skip.includes(code))
    .map((code) => String.fromCodePoint(code) + String.fromCodePoint(code + distance));
const FOLDED = [
  ...pairs(0x41, 0x5a, 32), // A-Z
  ...pairs(0xc0, 0xde, 32, [0xd7]), // À-Þ without ×
  ...pairs(0x391, 0x3a9, 32, [0x3a2]), // Α-Ω
  ...pairs(0x410, 0x42f, 32), // А-Я
  ...pairs(0x400, 0x40f, 80), // Ѐ-Џ, with Ё
  ...("ҐґҒғҚқҢңӘәӨөҮүҺһІіЎў".match(/../gu) ?? []),
];
/** Letters that `icontains` takes for one, place by place: as good in a database of the locale C as in any other. */
export const FOLD_FROM = FOLDED.map((pair) => [...pair][0]).join("");
export const FOLD_TO = FOLDED.map((pair) => [...pair][1]).join("");
const FOLD = new Map([...FOLD_FROM].map((letter, i) => [letter, [...FOLD_TO][i] ?? letter]));

function fold(text: string): string {
  return Array.from(text, (letter) => FOLD.get(letter) ?? letter).join("");
}

/** Whether the condition is true of the memory. */
export function matches(condition: Condition, memory: Conditioned): boolean {
  switch (condition.op) {
    case "and":
      return condition.of.every((one) => matches(one, memory));
    case "or":
      return condition.of.some((one) => matches(one, memory));
    case "not":
      return !matches(condition.of, memory);
    case "present":
      return isPresent(condition.field, memory);
    case "in":
      return elementsOf(condition.field, memory).some((one) =>
        condition.values.some((value) => compare(one, value) === 0),
      );
    case "icontains":
      return elementsOf(condition.field, memory).some(
        (one) => typeof one === "string" && fold(one).includes(fold(condition.value)),
      );
    case "contains":
      return contains(condition.field, condition.value, memory);
    default:
      // True and false are equal or not; none is before the other.
      if (typeof condition.value === "boolean" && condition.op !== "eq") return false;
      return elementsOf(condition.field, memory).some((one) => isOrdered(condition.op, compare(one, condition.value)));
  }
}

function isOrdered(op: "eq" | "gt" | "gte" | "lt" | "lte", order: number | undefined): boolean {
  if (order === undefined) return false;
  return { eq: order === 0, gt: order > 0, gte: order >= 0, lt: order < 0, lte: order <= 0 }[op];
}

/** Of a text a part of it, of a list one of its elements. */
function contains(field: Field, value: Scalar | Date, memory: Conditioned): boolean {
  const whole = valueOf(field, memory);
  if (typeof whole === "string") return typeof value === "string" && whole.includes(value);
  return Array.isArray(whole) && whole.some((one: unknown) => compare(one, value) === 0);
}

/** Undefined: of different kinds. Booleans are equal or not, never ordered. */
function compare(left: unknown, right: Scalar | Date): number | undefined {
  if (left instanceof Date && right instanceof Date) return left.getTime() - right.getTime();
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left === "string" && typeof right === "string") return byCodePoints(left, right);
  return typeof left === "boolean" && left === right ? 0 : undefined;
}

/** As UTF-8 orders them, which is how a database does under the collation C. */
function byCodePoints(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

function isPresent(field: Field, memory: Conditioned): boolean {
  const value = valueOf(field, memory);
  if ("column" in field && Array.isArray(value)) return value.length > 0;
  return value !== undefined && value !== null;
}

function elementsOf(field: Field, memory: Conditioned): readonly unknown[] {
  const value = valueOf(field, memory);
  return Array.isArray(value) ? value : [value];
}

function valueOf(field: Field, memory: Conditioned): unknown {
  if ("path" in field) return field.path.reduce(stepInto, memory.metadata);
  switch (field.column) {
    case "user_id":
      return memory.userId;
    case "agent_id":
      return memory.agentIds;
    case "session_id":
      return memory.sessionIds;
    case "importance":
      return memory.importance === null ? null : Number(memory.importance.toPrecision(6));
    case "seen_count":
      return memory.seenCount;
    case "occurred_at":
      return memory.occurredAt;
    case "created_at":
      return memory.createdAt;
    case "updated_at":
      return memory.updatedAt;
    case "expires_at":
      return memory.expiresAt;
    default:
      return memory[field.column];
  }
}

function stepInto(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, key))
    return undefined;
  return (value as Record<string, unknown>)[key];
}
