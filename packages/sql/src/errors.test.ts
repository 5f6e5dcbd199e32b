import { describe, expect, test } from "@jest/globals";
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

  test("what the caller may not know stays in the cause", () => {
    expect(translateSqlError(new Error("relation secret_table")).message).toBe("Internal error");
  });
});
