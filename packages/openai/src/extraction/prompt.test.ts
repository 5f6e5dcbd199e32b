import { expect, test } from "@jest/globals";
import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { systemPrompt } from "./prompt.ts";
import { EXTRACTION_SCHEMA } from "./schema.ts";

test("instructions and schema are at most 600 tokens, which every call pays", () => {
  const prompt = systemPrompt({ instructions: null, includes: null, excludes: null });
  expect(encode(prompt).length + encode(JSON.stringify(EXTRACTION_SCHEMA)).length).toBeLessThanOrEqual(600);
});
