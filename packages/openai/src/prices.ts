/**
 * Dollars for a million tokens of OpenAI's embedding models, as published on 2026-11-01
 * (https://platform.openai.com/docs/pricing). Another provider's price is not ours to know.
 */
const DOLLARS_PER_MILLION: Readonly<Record<string, number>> = {
  "text-embedding-3-small": 0.02,
  "text-embedding-3-large": 0.13,
  "text-embedding-ada-002": 0.1,
};

/** Undefined where no price is known. */
export function priceOf(model: string): number | undefined {
  return DOLLARS_PER_MILLION[model];
}

/** The tokens of so many bytes of text, by the ratio in a sample of it; 0 without a sample. */
export async function estimateTokens(sample: readonly string[], bytes: number): Promise<number> {
  const { countTokens } = await import("gpt-tokenizer/encoding/cl100k_base");
  const tokens = sample.reduce((sum, text) => sum + countTokens(text), 0);
  const sampled = sample.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return sampled === 0 ? 0 : Math.round((tokens / sampled) * bytes);
}
