import { describe, expect, test } from "@jest/globals";
import { toMessages } from "./to-messages.ts";

const invalid = (field: string) =>
  expect.objectContaining({ code: "invalid", details: [expect.objectContaining({ field })] });

describe("toMessages", () => {
  test.each(["constructor", "__proto__", "toString", "hasOwnProperty", "king", 5, {}])("%j is no role", (role) => {
    expect(() => toMessages([{ role, content: "x" }])).toThrow(invalid("messages.0.role"));
  });

  test.each([
    ["user", "user"],
    ["Human", "user"],
    ["model", "assistant"],
    ["function", "tool"],
  ])("%s is the role %s", (given, role) => {
    expect(toMessages([{ role: given, content: "x" }]).messages).toMatchObject([{ role }]);
  });
});
