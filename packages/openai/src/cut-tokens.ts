/** The longest input of OpenAI's embedding models is 8,191 tokens; the rest of a longer text is left out. */
export const INPUT_TOKENS_MAX = 8_000;

/**
 * The first 8,000 tokens of a text. A byte-level BPE makes no more tokens than bytes, so the tokenizer (30 MB) is
 * loaded only for a text that could be longer.
 */
export async function cutTokens(text: string): Promise<string> {
  if (Buffer.byteLength(text) <= INPUT_TOKENS_MAX) return text;
  const { decode, encode } = await import("gpt-tokenizer/encoding/cl100k_base");
  const tokens = encode(text, { disallowedSpecial: new Set() });
  // A cut inside a character leaves U+FFFD at the end.
  return tokens.length <= INPUT_TOKENS_MAX ? text : decode(tokens.slice(0, INPUT_TOKENS_MAX)).replace(/\uFFFD+$/u, "");
}
