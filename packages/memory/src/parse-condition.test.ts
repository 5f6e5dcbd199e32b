import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseCondition } from "./parse-condition.ts";

const eq = (path: string[], value: unknown) => ({ op: "eq", field: { path }, value });

describe("parseCondition", () => {
  test.each<[string, unknown, unknown]>([
    ["a bare value", { source: "n8n" }, eq(["source"], "n8n")],
    ["several fields are all to be true", { a: 1, b: true }, { op: "and", of: [eq(["a"], 1), eq(["b"], true)] }],
    ["a column", { type: { ne: "fact" } }, { op: "not", of: { op: "eq", field: { column: "type" }, value: "fact" } }],
    ["a number for a text column", { user_id: 5 }, { op: "eq", field: { column: "user_id" }, value: "5" }],
    [
      "a text for a number column",
      { importance: { gte: "0.5" } },
      { op: "gte", field: { column: "importance" }, value: 0.5 },
    ],
    [
      "a time",
      { created_at: { gt: "2026-05-18" } },
      { op: "gt", field: { column: "created_at" }, value: new Date("2026-05-18") },
    ],
    ["mem0's names", { run_id: "r" }, { op: "eq", field: { column: "session_id" }, value: "r" }],
    ["any value", { agent_id: "*" }, { op: "present", field: { column: "agent_id" } }],
    ["none", { key: null }, { op: "not", of: { op: "present", field: { column: "key" } } }],
    ["a list", { categories: ["a", "b"] }, { op: "in", field: { column: "categories" }, values: ["a", "b"] }],
    ["metadata by its path", { "metadata.a.b": 1 }, eq(["a", "b"], 1)],
    [
      "metadata as objects",
      { metadata: { a: { b: { eq: 1 } } } },
      { op: "and", of: [{ op: "and", of: [eq(["a", "b"], 1)] }] },
    ],
    ["a key with a dot", { metadata: { "a.b": 1 } }, { op: "and", of: [eq(["a.b"], 1)] }],
    ["NOT of a list: none of them", { NOT: [{ a: 1 }] }, { op: "not", of: { op: "or", of: [eq(["a"], 1)] } }],
    [
      "AND and OR",
      { OR: [{ a: 1 }, { AND: [{ b: 2 }] }] },
      { op: "or", of: [eq(["a"], 1), { op: "and", of: [eq(["b"], 2)] }] },
    ],
    ["nothing at all", {}, { op: "and", of: [] }],
  ])("%s", (_title, given, expected) => {
    expect(parseCondition(given)).toEqual(expected);
  });

  test.each<[unknown, string]>([
    [5, "filters: must be an object"],
    [[], "filters: must be an object"],
    [{ AND: {} }, "filters.AND: must be a list of conditions"],
    [{ AND: [{ importance: { gt: "much" } }] }, "filters.AND.0.importance.gt: must be a number"],
    [{ created_at: "yesterday" }, "filters.created_at: must be a time in ISO 8601"],
    [{ type: { like: "x" } }, "filters.type.like: is no operator"],
    [{ type: {} }, "filters.type: must name an operator"],
    [{ a: { gtt: 5 } }, "filters.a.gtt: is no operator"],
    [{ "metadata.a": { gtt: 5 } }, "filters.metadata.a.gtt: is no operator"],
    [{ "metadata.a": { b: { eq: 1 } } }, "filters.metadata.a.b: is no operator"],
    [{ metadata: { a: { gte: 1, ltt: 5 } } }, "filters.metadata.a.ltt: is no operator"],
    [{ metadata: { a: {} } }, "filters.metadata.a: must name an operator"],
    [{ a: { icontains: 5 } }, "filters.a.icontains: must be a text"],
    [{ a: { gt: true } }, "filters.a.gt: must be a number, a time or a text"],
    [{ a: "x\0" }, "filters.a: contains a NUL character"],
    [{ a: { eq: [[1]] } }, "filters.a.eq: must be a text, a number, true or false"],
    [{ type: ["x".repeat(5_000)] }, "filters.type.0: is longer than 4096 characters"],
    [{ OR: Array.from({ length: 101 }, () => ({ a: 1 })) }, "filters.OR.100.a: is one condition too many"],
    [Array.from({ length: 10 }).reduce((inner) => ({ AND: [inner] }), { a: 1 }), "is nested deeper than 8 levels"],
  ])("%j is refused with its path", (given, message) => {
    expect(() => parseCondition(given)).toThrow(message);
  });

  test("metadata that is nested without an end is refused, and not followed", () => {
    let metadata: unknown = 1;
    for (let level = 0; level < 100_000; level++) metadata = { a: metadata };
    expect(() => parseCondition({ metadata })).toThrow("leads deeper than 8 levels into the metadata");
  });

  test("whatever it is, it is a condition or `invalid`", () => {
    fc.assert(
      fc.property(fc.anything({ maxDepth: 5 }), (given) => {
        try {
          expect(parseCondition(given)).toHaveProperty("op");
        } catch (error) {
          expect(error).toMatchObject({ code: "invalid" });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
