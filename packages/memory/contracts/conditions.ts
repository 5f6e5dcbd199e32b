import {
  COLUMNS,
  uuidv7,
  type ColumnName,
  type Condition,
  type Conditioned,
  type Field,
  type Level,
  type Scalar,
} from "@engram/memory";
import fc from "fast-check";
import { draft } from "./draft.ts";

/*
 * Odd memories and random conditions on them, for every compiler of conditions to be held to `matches`.
 */

const TEXTS = [
  "",
  "a",
  "A",
  "b",
  "я",
  "Я",
  "Ёж",
  "ёж",
  "10",
  "2",
  "true",
  "%",
  "_",
  "'",
  '"',
  "\\",
  "$1",
  "*",
  "a.b",
  "😀",
  "\ue000",
  "e\u0301",
  "İ",
  "ß",
];
const NUMBERS = [0, -0, 1, -1, 10, 2, 0.1, 0.3, 1e21, 1e-7, 123456.789, 2 ** 53];
const TIMES = [
  "2026-05-18T10:30:00.000Z",
  "2026-05-18T10:30:00.001Z",
  "1999-12-31T23:59:59.999Z",
  "2030-01-01T00:00:00.000Z",
].map((time) => new Date(time));
/** Of columns that hold few different texts. */
const NAMES = ["u", "interaction", "user", "session", "agent", "s", "g"];
const KEYS = ["a", "b", "a.b", "0", "'", '"', "$1", "constructor", "я"];

const scalars = fc.oneof(fc.constantFrom<Scalar>(...TEXTS), fc.constantFrom<Scalar>(...NUMBERS), fc.boolean());
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalars,
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...KEYS), tie("value"), { maxKeys: 3 }),
  ),
})).value;

/** A memory as the truth has it, its metadata and lists as odd as they may be. */
export type ConditionedDraft = Pick<
  Conditioned,
  | "id"
  | "userId"
  | "level"
  | "content"
  | "type"
  | "key"
  | "metadata"
  | "importance"
  | "categories"
  | "sessionIds"
  | "agentIds"
  | "occurredAt"
  | "createdAt"
  | "expiresAt"
  | "seenCount"
>;

export const memories: fc.Arbitrary<ConditionedDraft> = fc
  .record({
    id: fc.constant("").map(() => uuidv7()),
    userId: fc.constantFrom("u", "u", "A", "я", null),
    level: fc.constantFrom<Level>("user", "session", "agent"),
    content: fc.constantFrom(...TEXTS.filter((text) => text !== "")),
    type: fc.constantFrom("interaction", "A", "я"),
    key: fc.constantFrom(null, "a", "Ё"),
    metadata: fc.dictionary(fc.constantFrom(...KEYS), json, { maxKeys: 4 }),
    importance: fc.constantFrom(null, 0, 0.1, 0.5, 1),
    categories: fc.uniqueArray(fc.constantFrom(...TEXTS), { maxLength: 3 }),
    sessionIds: fc.uniqueArray(fc.constantFrom("s", "S", "1"), { maxLength: 2 }),
    agentIds: fc.uniqueArray(fc.constantFrom("g", "1"), { maxLength: 2 }),
    occurredAt: fc.constantFrom(...TIMES),
    createdAt: fc.constantFrom(...TIMES),
    expiresAt: fc.constantFrom(null, TIMES[3] ?? null),
    seenCount: fc.constantFrom(1, 2, 10),
  })
  // What is of a session or an agent names one.
  .map((one) => ({
    ...one,
    level: { user: true, session: one.sessionIds.length > 0, agent: one.agentIds.length > 0 }[one.level]
      ? one.level
      : "user",
  }));

const fields: fc.Arbitrary<Field> = fc.oneof(
  fc.constantFrom(...(Object.keys(COLUMNS) as ColumnName[])).map((column): Field => ({ column })),
  fc.array(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 3 }).map((path): Field => ({ path })),
);
const values = fc.oneof(
  { weight: 3, arbitrary: scalars },
  { weight: 1, arbitrary: fc.constantFrom(...NAMES) },
  { weight: 1, arbitrary: fc.constantFrom(...TIMES) },
);

const leaves: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ op: fc.constant("present" as const), field: fields }),
  fc.record({ op: fc.constantFrom("eq", "gt", "gte", "lt", "lte"), field: fields, value: values }),
  fc.record({ op: fc.constant("contains" as const), field: fields, value: values }),
  fc.record({ op: fc.constant("icontains" as const), field: fields, value: fc.constantFrom(...TEXTS) }),
  fc.record({ op: fc.constant("in" as const), field: fields, values: fc.array(values, { maxLength: 4 }) }),
);

/** Any condition, nested up to four deep. */
export const conditions: fc.Arbitrary<Condition> = fc.letrec<{ tree: Condition }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaves,
    fc.record({ op: fc.constantFrom("and", "or"), of: fc.array(tie("tree"), { maxLength: 3 }) }),
    fc.record({ op: fc.constant("not" as const), of: tie("tree") }),
  ),
})).tree;

/** The memory whole, as `matches` looks at it; what no condition asks for is that of a plain one. */
export function conditioned(given: ConditionedDraft): Conditioned {
  const { keyed: _keyed, source: _source, requestId: _requestId, ...plain } = draft();
  return {
    ...plain,
    ...given,
    agentId: given.agentIds.at(-1) ?? null,
    sessionId: given.sessionIds.at(-1) ?? null,
    updatedAt: given.createdAt,
    validFrom: given.createdAt,
    validTo: null,
    supersededBy: null,
    version: 1,
    indexStatus: "indexed",
  };
}
