import { describe, expect, test } from "@jest/globals";
import { CONTENT_BYTES_MAX, normalizeContent } from "./text.ts";

describe("normalizeContent", () => {
  test("equal texts get one form", () => {
    expect(normalizeContent("  кафе\u0301\n")).toBe(normalizeContent("кафе\u0301".normalize("NFC")));
  });

  test.each([
    ["empty", "", "invalid"],
    ["only white space", " \n\t", "invalid"],
    ["NUL", "a\0b", "invalid"],
    ["a lone surrogate", "a\ud800", "invalid"],
    ["one byte too many", "я".repeat(CONTENT_BYTES_MAX / 2) + "a", "too_large"],
  ])("refuses %s, naming the field", (_name, text, code) => {
    expect(() => normalizeContent(text)).toThrow(
      expect.objectContaining({ code, details: [expect.objectContaining({ field: "content" })] }),
    );
  });

  test("keeps exactly the limit", () => {
    expect(normalizeContent("я".repeat(CONTENT_BYTES_MAX / 2))).toHaveLength(CONTENT_BYTES_MAX / 2);
  });
});
