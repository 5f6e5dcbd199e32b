/**
 * Deterministic embeddings without a model: signed feature hashing of words, their beginnings and their character n-grams
 * (https://arxiv.org/abs/0902.2206; n-grams as in https://arxiv.org/abs/1607.04606).
 *
 * Texts that share words, or inflected forms of them ("кофе с молоком" / "молоко", "walked" / "walking"), come out near;
 * texts that share nothing come out near zero. So a search test can expect the right memory on top, and means it.
 */

const NGRAM_CHARS_MIN = 3;
const NGRAM_CHARS_MAX = 5;
/** Stems of Russian and English words mostly show in their first letters. */
const PREFIX_CHARS = [4, 5, 6];
const WORD_WEIGHT = 0.7;
const PREFIX_WEIGHT = 1;
const NGRAM_WEIGHT = 0.7;
/** "in", "и", "не" say little, and so do some longer ones. */
const SHORT_WORD_CHARS_MAX = 2;
const FUNCTION_WORDS = new Set(
  "the and for are was were has have had with that this from she her his him they you your not but что это как она они его для или был была было при где кто".split(
    " ",
  ),
);
const FUNCTION_WORD_WEIGHT = 0.25;

/** The vector of `text`: `dimensions` numbers, unit length. The same text gives the same vector, always and everywhere. */
export function embed(text: string, dimensions: number): number[] {
  const vector = new Array<number>(dimensions).fill(0);
  const words = splitWords(text);
  for (const [word, count] of countWords(words.length > 0 ? words : [text])) {
    const isFunctionWord = word.length <= SHORT_WORD_CHARS_MAX || FUNCTION_WORDS.has(word);
    const scale = Math.sqrt(count) * (isFunctionWord ? FUNCTION_WORD_WEIGHT : 1);
    addFeatures(vector, [`w:${word}`], scale * WORD_WEIGHT);
    addFeatures(vector, listPrefixes(word), scale * PREFIX_WEIGHT);
    addFeatures(vector, listNgrams(word), scale * NGRAM_WEIGHT);
  }
  return toUnitLength(vector);
}

function splitWords(text: string): string[] {
  const folded = text.normalize("NFKC").toLowerCase().replaceAll("ё", "е");
  return folded.split(/[^\p{L}\p{N}\p{M}]+/u).filter((word) => word !== "");
}

function countWords(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function listPrefixes(word: string): string[] {
  const chars = [...word];
  return PREFIX_CHARS.filter((length) => length <= chars.length).map(
    (length) => `p:${chars.slice(0, length).join("")}`,
  );
}

function listNgrams(word: string): string[] {
  const chars = [...`<${word}>`];
  const ngrams: string[] = [];
  for (let length = NGRAM_CHARS_MIN; length <= NGRAM_CHARS_MAX; length += 1) {
    for (let start = 0; start + length <= chars.length; start += 1) {
      ngrams.push(`n:${chars.slice(start, start + length).join("")}`);
    }
  }
  return ngrams;
}

/** Spreads `weight` over the features, so that a long word does not outweigh a short one. */
function addFeatures(vector: number[], features: readonly string[], weight: number): void {
  const each = weight / Math.sqrt(Math.max(1, features.length));
  for (const feature of features) {
    const hash = hashFeature(feature);
    const index = hash % vector.length;
    const sign = (hash & 0x8000_0000) === 0 ? 1 : -1;
    vector[index] = (vector[index] ?? 0) + sign * each;
  }
}

/** FNV-1a over UTF-16 code units with a final mix (its low bits alone are poor). http://www.isthe.com/chongo/tech/comp/fnv */
function hashFeature(feature: string): number {
  let hash = 0x811c_9dc5;
  for (let index = 0; index < feature.length; index += 1) {
    hash = Math.imul(hash ^ feature.charCodeAt(index), 0x0100_0193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function toUnitLength(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  if (length === 0) return vector.map((_, index) => (index === 0 ? 1 : 0));
  return vector.map((value) => value / length);
}
