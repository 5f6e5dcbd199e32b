import { tokenPieces } from "@engram/memory";

/** The longest input of OpenAI's embedding models is 8,191 tokens; the rest of a longer text is left out. */
export const INPUT_TOKENS_MAX = 8_000;
/** Words that are several tokens. Each that the tokenizer keeps holds the text that it stands in: 100,000 by itself, and 300 MB. */
const WORDS_KEPT_MAX = 1_000;

/**
 * The first 8,000 tokens of a text; what comes after them is not even read. A byte-level BPE makes no more tokens than
 * bytes, so the tokenizer (30 MB) is loaded only for a text that could be longer.
 */
export async function cutTokens(text: string): Promise<string> {
  if (Buffer.byteLength(text) <= INPUT_TOKENS_MAX) return text;
  const { decode, encodeGenerator, setMergeCacheSize } = await import("gpt-tokenizer/encoding/cl100k_base");
  setMergeCacheSize(WORDS_KEPT_MAX);
  const tokens: number[] = [];
  for (const piece of tokenPieces(text)) {
    for (const word of encodeGenerator(piece, { disallowedSpecial: new Set() })) {
      tokens.push(...word);
      // A cut inside a character leaves U+FFFD at the end.
      if (tokens.length > INPUT_TOKENS_MAX) return decode(tokens.slice(0, INPUT_TOKENS_MAX)).replace(/\uFFFD+$/u, "");
    }
  }
  return text;
}
