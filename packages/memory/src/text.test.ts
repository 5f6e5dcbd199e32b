import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { CONTENT_BYTES_MAX, normalizeContent, storableContent } from "./text.ts";

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

describe("storableContent", () => {
  test.each([
    ["what is fine stays", "  Живёт\nв Казани 🍵 ", "Живёт\nв Казани 🍵"],
    ["NUL goes", "a\0b", "ab"],
    ["half a pair is replaced", "a\ud800b", "a\ufffdb"],
    ["nothing stays nothing", "\0 ", ""],
    [
      "a character in the middle of the limit goes as a whole",
      `a${"я".repeat(CONTENT_BYTES_MAX)}`,
      `a${"я".repeat(32_767)}`,
    ],
    // In NFC it is three times as long.
    [
      "what grows when it is normalised is cut after that",
      "\u0958".repeat(20_000),
      "\u0915\u093c".repeat(10_922) + "\u0915",
    ],
  ])("%s", (_what, text, kept) => {
    expect(storableContent(text)).toBe(kept);
  });

  test("whatever it gives can be kept", () => {
    const text = fc.array(fc.tuple(fc.string({ unit: "binary" }), fc.constantFrom(1, 3_000)), { maxLength: 5 });
    fc.assert(
      fc.property(text, (parts) => {
        const kept = storableContent(parts.map(([part, times]) => part.repeat(times)).join(""));
        expect(kept === "" ? "" : normalizeContent(kept)).toBe(kept);
      }),
      { numRuns: 300 },
    );
  });
});
