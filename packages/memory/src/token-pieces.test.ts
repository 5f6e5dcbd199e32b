import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { tokenPieces } from "./token-pieces.ts";

const RUNS = /[\p{L}\p{M}]+|[^\p{L}\p{N}]+/gu;
const longestRun = (text: string): number =>
  Math.max(0, ...Array.from(text.matchAll(RUNS), ([run]) => Array.from(run).length));

describe("tokenPieces", () => {
  test.each([
    "Меня зовут Антон, я программист и живу в Казани.\n\n```ts\nconst x = [1, 2, 3];\n```\n",
    "x".repeat(127),
    "12345".repeat(1_000),
    "слово ".repeat(10_000),
  ])("what people write is one piece (%#)", (text) => {
    expect([...tokenPieces(text)]).toEqual([text]);
  });

  test.each(["п", "a", "漢", "e\u0301", "𝒳", " ", "\n", "!", "/\n", "!\u0301", "🍵", "\ud83d"])(
    "a megabyte of %j has no run that a tokenizer would not end",
    (sign) => {
      const text = `Слово ${sign.repeat(1_000_000 / sign.length)}`;
      const pieces = [...tokenPieces(text)];
      expect(pieces.join("")).toBe(text);
      expect(Math.max(...pieces.map(longestRun))).toBeLessThanOrEqual(256);
      expect(pieces.length).toBeLessThanOrEqual(1 + text.length / 64);
    },
  );

  test("nothing is lost and no character is torn", () => {
    const sign = fc.constantFrom("п", "a", "𝒳", "🍵", " ", "\n", "1", "e\u0301", "-");
    const run = fc.tuple(sign, fc.integer({ min: 1, max: 400 })).map(([one, times]) => one.repeat(times));
    fc.assert(
      fc.property(fc.array(run, { maxLength: 8 }), (runs) => {
        const pieces = [...tokenPieces(runs.join(""))];
        expect(pieces.join("")).toBe(runs.join(""));
        expect(pieces.every((piece) => piece.isWellFormed())).toBe(true);
      }),
    );
  });
});
