import { tokenPieces } from "@engram/memory";

/** Of a longer text the beginning is counted, and the rest taken for alike: some 20 ms of this process at most. */
const COUNTED_CHARACTERS_MAX = 65_536;
/** Words that are several tokens. Each that the tokenizer keeps holds the text that it stands in: 100,000 by itself. */
const WORDS_KEPT_MAX = 1_000;

/** Gives the tokens of a text; see `tokenCounter`. */
export type CountTokens = (text: string) => number;

/**
 * Counts by the encoding of OpenAI's current models; another's counts differ by a few in a hundred. The first call loads
 * it, which takes half a second of the process and 40 MB.
 */
export async function tokenCounter(): Promise<CountTokens> {
  const { countTokens, setMergeCacheSize } = await import("gpt-tokenizer/encoding/o200k_base");
  setMergeCacheSize(WORDS_KEPT_MAX);
  return (text) => {
    const counted = text.slice(0, COUNTED_CHARACTERS_MAX);
    let tokens = 0;
    // What looks like a special token in a text is text.
    for (const piece of tokenPieces(counted)) tokens += countTokens(piece, { disallowedSpecial: new Set() });
    return counted.length === text.length ? tokens : Math.ceil((tokens * text.length) / counted.length);
  };
}

/** Of a request to a chat model: what is no text costs by rules of its own, and is not counted. */
const NO_TEXT = new Set(["image_url", "input_audio", "file"]);

/** The tokens of a request's body as it was sent, about; 0 where it is no JSON. */
export function countPrompt(countTokens: CountTokens, body: string): number {
  try {
    const given: unknown = JSON.parse(body);
    return countTokens(JSON.stringify(given, (key, value: unknown) => (NO_TEXT.has(key) ? undefined : value)));
  } catch {
    return 0;
  }
}
