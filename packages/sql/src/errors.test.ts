import { describe, expect, test } from "@jest/globals";
import { isKeyTaken } from "@engram/memory";
import { translateSqlError } from "./errors.ts";

describe("translateSqlError", () => {
  test.each([
    ["23505", "conflict"],
    ["40P01", "conflict"],
    ["22P02", "invalid"],
    ["57P01", "unavailable"],
    ["53300", "unavailable"],
    ["ECONNREFUSED", "unavailable"],
    ["42703", "internal"],
  ])("%s is %s", (code, expected) => {
    const cause = Object.assign(new Error("of the driver"), { code });
    expect(translateSqlError(cause)).toMatchObject({ code: expected, cause });
  });

  test("the key of a write that is taken is a conflict over the key; another one is not", () => {
    const violation = (constraint: string) => Object.assign(new Error("of the driver"), { code: "23505", constraint });
    expect(isKeyTaken(translateSqlError(violation("idempotency_pkey")))).toBe(true);
    expect(isKeyTaken(translateSqlError(violation("memories_dedupe_key_key")))).toBe(false);
  });

  test.each([
    "Connection terminated unexpectedly",
    "Client has encountered a connection error and is not queryable",
    "Query read timeout",
  ])("a lost connection in the driver's words, %p, is unavailable, and the end unknown", (message) => {
    expect(translateSqlError(new Error(message))).toMatchObject({ code: "unavailable", outcomeUnknown: true });
  });

  test("what the caller may not know stays in the cause", () => {
    expect(translateSqlError(new Error("relation secret_table")).message).toBe("Internal error");
  });
});
