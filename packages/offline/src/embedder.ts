import { toUnit, type Embedder } from "@engram/memory";
import { hash32 } from "./hash.ts";
import { stem } from "./stem.ts";
import { STOP_WORDS, SUBJECTS } from "./stop-words.ts";
import { normalize, wordsOf, type Word } from "./words.ts";

export const OFFLINE_MODEL = "offline-lexical-v1";

/**
 * A text of ten words has about eighty features. Hashed into n places their collisions shift a cosine by about
 * 1/sqrt(n): .051 at 384, .044 at 512, .031 at 1024. 512 keeps the noise well under what one shared word adds (.15 and
 * more) at 2 KiB a vector.
 */
export const OFFLINE_DIMS = 512;

/** Seeds keep the kinds of features apart: the stem `кот` is not the n-gram `кот`. */
const SEED = { stem: 1, prefix: 2, gram: 3, whole: 4, empty: 5 } as const;
const SEED_STRIDE = 8;
/** Places of a stem, a prefix or a code: a question of one word is five features, and one collision would fake a hit. */
const PLACES = 4;

/** How a word's squared weight is shared out. The stem decides; prefix and n-grams catch what the stem leaves apart. */
const SHARE = { stem: 0.5, prefix: 0.25, grams: 0.25 } as const;
/** предпочтение and предпочитает, notification and notify: five letters are shared by most words of one root. */
const PREFIX_LETTERS = 5;
/** N-grams of three letters find typing errors and roots inside a compound, and are few enough for one word. */
const GRAM_LETTERS = 3;

const WEIGHT = { stop: 0, subject: 0.35, word: 1, code: 1.2 } as const;

/**
 * The embedder that needs no provider: **lexical**, not semantic. It hashes stems, prefixes and n-grams of letters, so
 * texts are near each other when they share words or roots, in Russian and English best; synonyms, translations and
 * meaning are beyond it. Deterministic; 512 numbers of unit length; about 0.05 ms a sentence; costs no tokens. Signed
 * feature hashing after Weinberger et al. 2009 (https://arxiv.org/abs/0902.2206).
 */
export function createOfflineEmbedder(): Embedder {
  return {
    model: OFFLINE_MODEL,
    requestedDims: null,
    lexical: true,
    embed(texts) {
      return Promise.resolve({ vectors: texts.map(embedText), tokens: 0 });
    },
  };
}

function embedText(text: string): Float32Array {
  const normalized = normalize(text);
  const counts = countWords(normalized);
  const vector = new Float64Array(OFFLINE_DIMS);
  for (const { word, count, weight } of counts) {
    // Sublinear: a word said ten times is not ten times the subject.
    addWord(vector, word, weight * (1 + Math.log(count)));
  }
  const unit = toUnit(vector);
  if (unit !== undefined) return unit;
  // Nothing but punctuation, or nothing at all: equal texts still get equal vectors.
  addFeature(vector, normalized.trim(), SEED.empty, 1);
  return Float32Array.from(vector);
}

interface CountedWord {
  readonly word: Word;
  count: number;
  readonly weight: number;
}

/** The distinct words with their weights; stop words only where there is nothing else. */
function countWords(normalized: string): readonly CountedWord[] {
  const counted = new Map<string, CountedWord>();
  for (const word of wordsOf(normalized)) {
    const known = counted.get(word.text);
    if (known !== undefined) known.count++;
    else counted.set(word.text, { word, count: 1, weight: weightOf(word) });
  }
  const all = [...counted.values()];
  const telling = all.filter(({ weight }) => weight > 0);
  return telling.length > 0 ? telling : all.map((one) => ({ ...one, weight: 1 }));
}

function weightOf({ text, kind }: Word): number {
  if (STOP_WORDS.has(text)) return WEIGHT.stop;
  if (SUBJECTS.has(text)) return WEIGHT.subject;
  return kind === "code" ? WEIGHT.code : WEIGHT.word;
}

function addWord(vector: Float64Array, { text, kind }: Word, weight: number): void {
  if (kind === "code") return addSpread(vector, text, SEED.whole, weight);
  if (kind === "ideograms") return addGrams(vector, gramsOfIdeograms(text), weight);
  addSpread(vector, stem(text), SEED.stem, weight * Math.sqrt(SHARE.stem));
  addSpread(vector, text.slice(0, PREFIX_LETTERS), SEED.prefix, weight * Math.sqrt(SHARE.prefix));
  addGrams(vector, gramsOf(`<${text}>`), weight * Math.sqrt(SHARE.grams));
}

/** Adds n-grams that weigh `weight` together. */
function addGrams(vector: Float64Array, grams: readonly string[], weight: number): void {
  const each = weight / Math.sqrt(grams.length);
  for (const gram of grams) addFeature(vector, gram, SEED.gram, each);
}

/** Adds a heavy feature in several places, so that no single collision makes two texts alike. */
function addSpread(vector: Float64Array, feature: string, seed: number, weight: number): void {
  const each = weight / Math.sqrt(PLACES);
  for (let copy = 0; copy < PLACES; copy++) addFeature(vector, feature, seed + copy * SEED_STRIDE, each);
}

function addFeature(vector: Float64Array, feature: string, seed: number, weight: number): void {
  const hash = hash32(feature, seed);
  const place = hash % OFFLINE_DIMS;
  const sign = hash >>> 31 === 0 ? 1 : -1;
  vector[place] = (vector[place] ?? 0) + sign * weight;
}

/** `<кот>` gives `<ко`, `кот`, `от>`: the marks tell beginnings and ends from middles. */
function gramsOf(marked: string): readonly string[] {
  const count = Math.max(1, marked.length - GRAM_LETTERS + 1);
  return Array.from({ length: count }, (_, at) => marked.slice(at, at + GRAM_LETTERS));
}

/** Single signs and pairs of them: without spaces, pairs are the nearest thing to words. */
function gramsOfIdeograms(text: string): readonly string[] {
  const signs = Array.from(text);
  return [...signs, ...signs.slice(1).map((sign, at) => `${signs[at] ?? ""}${sign}`)];
}
