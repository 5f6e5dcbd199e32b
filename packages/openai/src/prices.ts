import { tokenPieces } from "@engram/memory";

/** Dollars for a million tokens. */
export interface Price {
  readonly input: number;
  readonly output: number;
}

export type Prices = Readonly<Record<string, Price>>;

/**
 * OpenAI's, as published on 2026-11-01 (https://platform.openai.com/docs/pricing). Another provider's price is not ours to
 * know: MODEL_PRICES tells it.
 */
const PUBLISHED: Prices = {
  "text-embedding-3-small": { input: 0.02, output: 0 },
  "text-embedding-3-large": { input: 0.13, output: 0 },
  "text-embedding-ada-002": { input: 0.1, output: 0 },
  "gpt-4o-mini": { input: 0.15, output: 0.6 },
  "gpt-4o": { input: 2.5, output: 10 },
  "gpt-4o-2024-05-13": { input: 5, output: 15 },
  "gpt-4.1-nano": { input: 0.1, output: 0.4 },
  "gpt-4.1-mini": { input: 0.4, output: 1.6 },
  "gpt-4.1": { input: 2, output: 8 },
};

/**
 * A model's price: an operator's word first, then what is published, of the name as it stands, else without a gateway's prefix
 * and without the date of its release (`openai/gpt-4o-mini`, `gpt-4o-mini-2024-07-18`). Undefined where no price is known.
 */
export function priceOf(model: string, own: Prices = {}): Price | undefined {
  const names = [model, bare(model), undated(model), undated(bare(model))];
  for (const prices of [own, PUBLISHED])
    for (const name of names) {
      const price = ownOf(prices, name);
      if (price !== undefined) return price;
    }
  return undefined;
}

function bare(model: string): string {
  return model.slice(model.lastIndexOf("/") + 1);
}

function undated(model: string): string {
  return model.replace(/-\d{4}-\d{2}-\d{2}$/u, "");
}

function ownOf(prices: Prices, model: string): Price | undefined {
  return Object.hasOwn(prices, model) ? prices[model] : undefined;
}

/** Of one call, in dollars; null where no price is known. */
export function costOf(
  { model, promptTokens, completionTokens }: { model: string; promptTokens: number; completionTokens: number },
  own: Prices = {},
): number | null {
  const price = priceOf(model, own);
  return price === undefined ? null : (promptTokens * price.input + completionTokens * price.output) / 1e6;
}

/** The tokens of so many bytes of text, by the ratio in a sample of it; 0 without a sample. */
export async function estimateTokens(sample: readonly string[], bytes: number): Promise<number> {
  const { countTokens } = await import("gpt-tokenizer/encoding/cl100k_base");
  const pieces = sample.flatMap((text) => [...tokenPieces(text)]);
  // What looks like a special token in a text is text.
  const tokens = pieces.reduce((sum, piece) => sum + countTokens(piece, { disallowedSpecial: new Set() }), 0);
  const sampled = sample.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return sampled === 0 ? 0 : Math.round((tokens / sampled) * bytes);
}
