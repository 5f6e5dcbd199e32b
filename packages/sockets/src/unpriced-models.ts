import type { Config, Problem } from "@engram/config";

/** Whether a call of the model can be counted in dollars. Without a limit of dollars nobody counts, so that all are. */
export async function pricing({ models }: Pick<Config, "models">): Promise<(model: string) => boolean> {
  if (models.dollarsPerDay === undefined || models.openaiApiKey === undefined) return () => true;
  const { priceOf } = await import("@engram/openai");
  return (model) => priceOf(model, models.prices) !== undefined;
}

/** A limit that cannot be kept, since nobody knows what a model costs; undefined where it can. */
export function unpricedProblem(
  { models }: Pick<Config, "models">,
  isPriced: (model: string) => boolean,
): Problem | undefined {
  const unpriced = [...new Set([models.llmModel, models.embeddingModel])].filter((model) => !isPriced(model));
  if (unpriced.length === 0) return undefined;
  return {
    code: "model_price",
    message: `SPEND_LIMIT_DOLLARS_PER_DAY cannot be kept: the price of ${unpriced.join(" and of ")} is not known`,
    cure: `Set it in MODEL_PRICES, as {"${unpriced.join('":0,"')}":0} where a model costs nothing. Work of these models waits meanwhile, none of it is lost`,
  };
}
