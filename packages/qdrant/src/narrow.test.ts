import { describe, expect, test } from "@jest/globals";
import type { Condition } from "@engram/memory";
import { narrow, type Narrowed } from "./narrow.ts";

const onType: Condition = { op: "eq", field: { column: "type" }, value: "note" };
const typeIsNote = { key: "type", match: { value: "note" } };
const onMetadata: Condition = { op: "eq", field: { path: ["color"] }, value: "red" };
const time = new Date("2026-03-01T00:00:00.001Z");

describe("what a point tells of a condition", () => {
  test.each<[name: string, condition: Condition, expected: Narrowed]>([
    ["a column that points carry", onType, typeIsNote],
    [
      "one of several values",
      { op: "in", field: { column: "key" }, values: ["a", 5, "b"] },
      {
        should: [
          { key: "key", match: { value: "a" } },
          { key: "key", match: { value: "b" } },
        ],
      },
    ],
    [
      "an element of a list",
      { op: "contains", field: { column: "categories" }, value: "home" },
      { key: "categories", match: { value: "home" } },
    ],
    [
      "that a field is there",
      { op: "present", field: { column: "expires_at" } },
      { must_not: [{ is_empty: { key: "expires_at" } }] },
    ],
    [
      "times to the millisecond",
      { op: "lt", field: { column: "created_at" }, value: time },
      { key: "created_at", range: { lt: "2026-03-01T00:00:00.001Z" } },
    ],
    [
      "importance, with more let through than less",
      { op: "gte", field: { column: "importance" }, value: 0.5 },
      { key: "importance", range: { gte: 0.5 - 1e-6 } },
    ],
    [
      "its negation, which errs to the other side",
      { op: "not", of: { op: "gte", field: { column: "importance" }, value: 0.5 } },
      { must_not: [{ key: "importance", range: { gte: 0.5 + 1e-6 } }] },
    ],
    ["a value of another kind: nothing", { op: "eq", field: { column: "type" }, value: 5 }, "none"],
    ["no value at all: nothing", { op: "in", field: { column: "type" }, values: [] }, "none"],
    ["metadata: all", onMetadata, "all"],
    ["not this metadata: all", { op: "not", of: onMetadata }, "all"],
    ["a part of a text: all", { op: "contains", field: { column: "type" }, value: "no" }, "all"],
    [
      "a year that Qdrant does not know: all",
      { op: "gt", field: { column: "created_at" }, value: new Date(Date.UTC(10_000, 0, 1)) },
      "all",
    ],
    [
      "both of what it knows and does not: what it knows",
      { op: "and", of: [onType, onMetadata] },
      { must: [typeIsNote] },
    ],
    ["either of them: all", { op: "or", of: [onType, onMetadata] }, "all"],
    [
      "neither of them: not what it knows",
      { op: "not", of: { op: "or", of: [onType, onMetadata] } },
      { must_not: [{ should: [typeIsNote] }] },
    ],
    ["not both of them: all", { op: "not", of: { op: "and", of: [onType, onMetadata] } }, "all"],
    ["no condition of several: all", { op: "and", of: [] }, "all"],
    ["none of none: nothing", { op: "or", of: [] }, "none"],
  ])("%s", (_name, condition, expected) => {
    expect(narrow(condition)).toEqual(expected);
  });
});
