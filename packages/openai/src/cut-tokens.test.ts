import { describe, expect, test } from "@jest/globals";
import { decode, encode } from "gpt-tokenizer/encoding/cl100k_base";
import { cutTokens, INPUT_TOKENS_MAX } from "./cut-tokens.ts";

describe("cutTokens", () => {
  test.each(["Меня зовут Антон, я программист. ", "I like technical details and <|endoftext|> long walks. "])(
    "of what people write the first 8,000 tokens, as the model counts them (%#)",
    async (line) => {
      const text = line.repeat(2_000);
      expect(await cutTokens(text)).toBe(decode(encode(text, { disallowedSpecial: new Set() }).slice(0, 8_000)));
    },
  );

  test("a text that fits stays as it is", async () => {
    const text = "Живёт в Казани. ".repeat(700);
    expect(await cutTokens(text)).toBe(text);
  });

  // Each took from seconds to days as one word.
  test.each(["п", "a", " ", "!", "/\n", "🍵"])("a megabyte of %j is cut, and not read to its end", async (sign) => {
    const cut = await cutTokens(`Слово ${sign.repeat(1_000_000 / sign.length)}`);
    expect(cut.length).toBeGreaterThan(INPUT_TOKENS_MAX / 4);
    expect(cut.slice(6)).toBe(sign.repeat(cut.length).slice(0, cut.length - 6));
  });
});
