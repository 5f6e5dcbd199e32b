import { describe, expect, test } from "@jest/globals";
import { costOf, estimateTokens, priceOf } from "./prices.ts";

describe("the cost of embedding", () => {
  test("tokens follow the ratio of the sample: a word of eleven bytes is one token in English, several in Russian", async () => {
    expect(await estimateTokens([" preferences"], 1_200)).toBe(100);
    expect(await estimateTokens([" предпочтение"], 2_500)).toBeGreaterThan(300);
  });

  test("what looks like a special token is text, and a letter without end is counted", async () => {
    expect(await estimateTokens(["<|endoftext|>"], 13)).toBe(7);
    expect(await estimateTokens(["п".repeat(65_536)], 131_072)).toBeGreaterThan(10_000);
  });

  test("nothing to embed costs nothing", async () => {
    expect(await estimateTokens([], 0)).toBe(0);
  });

  test("a model that is not OpenAI's has no known price", () => {
    expect(priceOf("text-embedding-3-small")?.input).toBe(0.02);
    expect(priceOf("nomic-embed-text")).toBeUndefined();
    expect(priceOf("constructor")).toBeUndefined();
  });

  test.each([
    ["gpt-4o-mini-2024-07-18", 0.15],
    ["openai/gpt-4o-mini", 0.15],
    ["azure/eu/gpt-4.1-2025-04-14", 2],
    ["gpt-4o-2024-05-13", 5],
  ])("a release, and a name with a gateway's prefix, costs what its model does: %s", (model, input) => {
    expect(priceOf(model)?.input).toBe(input);
  });

  test.each(["gpt-4o-mini-mine", "openai/gpt-4o-mini:online", "ft:gpt-4o-mini-2024-07-18:org::1", "constructor/", ""])(
    "what only looks like it has no known price: %s",
    (model) => {
      expect(priceOf(model)).toBeUndefined();
    },
  );

  test("an operator's price of a model holds for its releases, one of a release for that alone", () => {
    const own = { "gpt-4o": { input: 1, output: 1 }, "gpt-4o-2024-08-06": { input: 7, output: 7 } };
    expect(priceOf("openai/gpt-4o-2024-05-13", own)?.input).toBe(1);
    expect(priceOf("gpt-4o-2024-08-06", own)?.input).toBe(7);
  });

  test("a call costs by its tokens, and an operator's price wins", () => {
    const call = { model: "gpt-4o-mini", promptTokens: 1_000_000, completionTokens: 100_000 };
    expect(costOf(call)).toBeCloseTo(0.21);
    expect(costOf(call, { "gpt-4o-mini": { input: 1, output: 0 } })).toBe(1);
    expect(costOf({ ...call, model: "llama3.2" })).toBeNull();
  });
});
