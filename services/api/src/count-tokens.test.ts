import { describe, expect, test } from "@jest/globals";
import { countTokens as libraryCount } from "gpt-tokenizer/encoding/o200k_base";
import { countPrompt, tokenCounter } from "./count-tokens.ts";

const countTokens = await tokenCounter();

describe("tokenCounter", () => {
  test("what people write has the tokens that the model counts", () => {
    const text = "Меня зовут Антон, I am a programmer.\n\n```ts\nconst x = 12345;\n```\n".repeat(100);
    expect(countTokens(text)).toBe(libraryCount(text));
    expect(countTokens("<|endoftext|>")).toBe(7);
  });

  test("of megabytes the beginning is counted, and the rest taken for alike", () => {
    const line = " Живёт в Казани.";
    const [short, long] = [countTokens(line.repeat(4_096)), countTokens(line.repeat(40_960))];
    expect(short).toBe(countTokens(line) * 4_096);
    expect(long).toBe(short * 10);
  });

  // As one word it took hours.
  test("a megabyte of one letter is counted too", () => {
    expect(countTokens("п".repeat(1_000_000))).toBeGreaterThan(100_000);
  });
});

describe("countPrompt", () => {
  const bodyWith = (...parts: object[]) =>
    JSON.stringify({
      model: "m",
      messages: [{ role: "user", content: [{ type: "text", text: "What is it?" }, ...parts] }],
    });

  test("a picture is no text", () => {
    const picture = { type: "image_url", image_url: { url: `data:image/png;base64,${"iVBORw0KGgo".repeat(10_000)}` } };
    const [without, withIt] = [countPrompt(countTokens, bodyWith()), countPrompt(countTokens, bodyWith(picture))];
    expect(without).toBeGreaterThan(10);
    expect(withIt).toBeLessThan(without + 20);
  });

  test("what is no JSON counts nothing", () => {
    expect(countPrompt(countTokens, "{")).toBe(0);
  });
});
