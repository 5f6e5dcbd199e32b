import { expect, test } from "@jest/globals";
import { loadConfig } from "@engram/config";
import { pricing, unpricedProblem } from "./unpriced-models.ts";

const problemOf = async (env: Record<string, string>) => {
  const config = loadConfig({ OPENAI_API_KEY: "sk-test", ...env }, { cwd: "/nonexistent" });
  return unpricedProblem(config, await pricing(config));
};
const limit = { SPEND_LIMIT_DOLLARS_PER_DAY: "5" };

test("a limit and a model whose price nobody knows are a problem, with both names", async () => {
  expect(await problemOf({ ...limit, LLM_MODEL: "llama3.2", EMBEDDING_MODEL: "nomic-embed-text" })).toMatchObject({
    code: "model_price",
    message: "SPEND_LIMIT_DOLLARS_PER_DAY cannot be kept: the price of llama3.2 and of nomic-embed-text is not known",
    cure: expect.stringContaining('{"llama3.2":0,"nomic-embed-text":0}'),
  });
});

test("not without a limit, not with a price, not for OpenAI's own, nor without a provider", async () => {
  expect(await problemOf({ LLM_MODEL: "llama3.2" })).toBeUndefined();
  expect(await problemOf({ ...limit, LLM_MODEL: "llama3.2", MODEL_PRICES: '{"llama3.2":0}' })).toBeUndefined();
  expect(await problemOf({ ...limit, LLM_MODEL: "openai/gpt-4o-mini-2024-07-18" })).toBeUndefined();
  expect(await problemOf({ ...limit, OPENAI_API_KEY: "", LLM_MODEL: "llama3.2" })).toBeUndefined();
});
