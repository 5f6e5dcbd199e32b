import type { Embedder, Vector } from "@engram/memory";
import { seeded, type Random } from "./random.ts";

/*
 * Made-up words that no stemmer cuts and no list of stop words knows, so that whether two texts share a word can be told by
 * eye; and vectors that have nothing to do with them: what a text is about is one of a few topics.
 */

export const DIMS = 16;
/** How far from its topic's middle a text lies. */
const SPREAD = 0.35;
const WORDS = 80;
const SYLLABLES = ["ba", "du", "fo", "gi", "ko", "lu", "mi", "po", "ru", "vo", "za", "zu"];

const wordOf = (number: number): string =>
  [1, 12, 144, 1728].map((place) => SYLLABLES[Math.floor(number / place) % SYLLABLES.length]).join("");

/** The words that memories and questions have in common. */
export const VOCABULARY = Array.from({ length: WORDS }, (_, number) => `${wordOf(number * 37)}k`);
/** A word that no other text has. */
export const ownWord = (number: number): string => `${wordOf(number)}n`;

function around(random: Random, middle: Vector, spread: number): Vector {
  const vector = Array.from(middle, (one) => one + (random() - 0.5) * spread);
  const length = Math.hypot(...vector);
  return Float32Array.from(vector, (one) => one / length);
}

/** What texts are about: the word that a question says it with, which no memory has, and the middle of its vectors. */
export const TOPICS = [..."abcdefghij"].map((letter, at) => ({
  word: `topic${letter}q`,
  middle: around(seeded(at + 1), new Float32Array(DIMS), 2),
}));
export type Topic = (typeof TOPICS)[number];

/** A vector of the topic; the topic's middle is nearer to any question about it than most of them. */
export function vectorNear(random: Random, topic: Topic): Vector {
  return around(random, topic.middle, SPREAD);
}

/** Knows the topic that a question names. */
export const embedder: Embedder = {
  model: "points",
  requestedDims: null,
  lexical: false,
  embed: (texts) => Promise.resolve({ vectors: texts.map(middleOf), tokens: 0 }),
};

function middleOf(text: string): Vector {
  const topic = TOPICS.find(({ word }) => text.includes(word));
  if (topic === undefined) throw new Error("a question names its topic");
  return topic.middle;
}
