import { MemoryError } from "./errors.ts";
import type { Calibration, CosineScale } from "./ports/index.ts";
import { cosineOf, type Vector } from "./vector.ts";

/**
 * Questions and the memories that answer them, as an embedder is asked of them in daily use: some share their words,
 * some only their meaning. Subjects are far apart, so that every other statement is a wrong answer to a question.
 */
const PROBE_PAIRS: readonly (readonly [question: string, statement: string])[] = [
  ["Где живёт пользователь?", "Пользователь живёт в Новосибирске"],
  ["Какую музыку любит пользователь?", "Пользователь любит слушать классическую музыку"],
  ["Какие у пользователя домашние животные?", "У пользователя есть кошка и два попугая"],
  ["Чем пользователь болел зимой?", "Зимой пользователь перенёс воспаление лёгких"],
  ["На чём пользователь ездит на работу?", "На работу пользователь ездит на велосипеде"],
  ["Какие книги читает пользователь?", "Пользователь читает научную фантастику и детективы"],
  ["What does the user do for a living?", "User works as a primary school teacher"],
  ["Which operating system does the user run?", "User runs Fedora Linux on all computers"],
  ["When is the user's birthday?", "User's birthday is on the second of June"],
  ["What sports does the user play?", "User plays tennis and volleyball at weekends"],
  ["How does the user take notes?", "User takes notes by hand in a paper notebook"],
  ["Which city is the company based in?", "The company has its head office in Rotterdam"],
];

/** What an embedder is probed with, in one call: question, statement, question, statement … */
export const PROBE_TEXTS: readonly string[] = PROBE_PAIRS.flat();

/** Nine of ten wrong answers in the question's language lie below it: a tail, since a store holds many wrong ones. */
const BACKGROUND_QUANTILE = 0.9;
/** Three of five right answers lie above it. Lower, and one odd pair of the twelve would decide for every search. */
const RELATED_QUANTILE = 0.4;

/**
 * Calibration by probe: where the cosines of an embedder lie, from the vectors of `PROBE_TEXTS` in their order. Models
 * differ far too much for one threshold (unrelated texts: .2 in text-embedding-3-small, .75 in ada-002), but each tells its
 * own scale by twelve questions. Wrong pairs are taken within a language: across them even unlike texts look unlike
 * enough to hide how alike two Russian sentences are to a model that knows only English.
 */
export function calibrationFrom(vectors: readonly Vector[]): Calibration {
  if (vectors.length !== PROBE_TEXTS.length)
    throw new MemoryError("invalid", `A calibration takes ${PROBE_TEXTS.length} vectors, not ${vectors.length}`);
  const pairs: Pair[] = [];
  PROBE_PAIRS.forEach(([question], asked) => {
    PROBE_PAIRS.forEach(([, statement], told) => {
      if (isRussian(question) !== isRussian(statement)) return;
      const cosine = cosineOf(vectors[2 * asked] ?? [], vectors[2 * told + 1] ?? []);
      pairs.push({ cosine, isRight: asked === told, isRussian: isRussian(question) });
    });
  });
  const all = scaleOfPairs(pairs);
  if (isTrusted(all)) return all;
  const [russian, english] = [true, false].map((one) => scaleOfPairs(pairs.filter((pair) => pair.isRussian === one)));
  if (russian === undefined || english === undefined || isTrusted(russian) === isTrusted(english)) return all;
  return isTrusted(english) ? { ...english, cyrillic: all } : { ...all, cyrillic: russian };
}

interface Pair {
  readonly cosine: number;
  readonly isRight: boolean;
  readonly isRussian: boolean;
}

function scaleOfPairs(pairs: readonly Pair[]): CosineScale {
  const cosinesOf = (isRight: boolean) => pairs.filter((pair) => pair.isRight === isRight).map(({ cosine }) => cosine);
  return {
    background: quantile(cosinesOf(false), BACKGROUND_QUANTILE),
    related: quantile(cosinesOf(true), RELATED_QUANTILE),
  };
}

/**
 * The scale for a question. A model that knows one language only (MiniLM: to it all Russian sentences are alike, .7) has one
 * for the script of that language and one for the other, in which it is trusted with nothing.
 */
export function scaleFor(calibration: Calibration, query: string): CosineScale {
  return isRussian(query) ? (calibration.cyrillic ?? calibration) : calibration;
}

/** What a memory scores for which nothing speaks: no word shared, a cosine of the background. */
const SCORE_WITHOUT_EVIDENCE = 0.15;
/** What one right answer's worth of evidence scores: the guide's threshold (CONTRACT.md 2). */
const SCORE_OF_RIGHT = 0.7;

const logit = (probability: number): number => Math.log(probability / (1 - probability));
const START = logit(SCORE_WITHOUT_EVIDENCE);
const STEP = logit(SCORE_OF_RIGHT) - START;

/**
 * Evidence as a score of 0..1: 0 gives 0.15, 1 gives 0.7, and so on along the logistic curve, so that evidence of
 * several kinds may simply be added, as log-odds are. Platt 1999 ("Probabilistic outputs for support vector machines").
 */
export const scoreOf = (evidence: number): number => 1 / (1 + Math.exp(-(START + STEP * evidence)));

/** A model with less between background and related, as a share of the room above the background, is not to be trusted. */
const SEPARATION_MIN = 0.1;
/** With no separation at all, even equal texts (cosine 1) stay under one answer's worth. */
const SEPARATION_BLIND = 1.25;
/** Vectors that are all alike leave no room above the background; a tenth keeps the slope finite. */
const HEADROOM_MIN = 0.1;
/**
 * Below the background differences mean less, since right answers in other words lie there too. At a half, a model that
 * is not trusted (MiniLM, probed in Russian as well) would rank a point of recall@10 worse.
 */
const BELOW_BACKGROUND = 0.75;
/** Nor does a narrow separation make them mean more; as a share of the room above the background. */
const SEPARATION_BELOW_MIN = 0.3;

/** How much a cosine speaks for a memory: 0 at the background, 1 at a right answer, less than 0 below the background. */
export function cosineEvidence(cosine: number, calibration: CosineScale): number {
  const { background } = calibration;
  const headroom = Math.max(HEADROOM_MIN, 1 - background);
  const separation = trustedSeparation(calibration.related - background, headroom);
  if (cosine >= background) return (cosine - background) / separation;
  return (BELOW_BACKGROUND * (cosine - background)) / Math.max(separation, SEPARATION_BELOW_MIN * headroom);
}

function isTrusted({ background, related }: CosineScale): boolean {
  return related - background >= SEPARATION_MIN * Math.max(HEADROOM_MIN, 1 - background);
}

/** The measured separation; a small one is stretched, the more the smaller, until no cosine is evidence of an answer. */
function trustedSeparation(separation: number, headroom: number): number {
  const least = SEPARATION_MIN * headroom;
  if (separation >= least) return separation;
  const blindness = 1 - Math.max(0, separation) / least;
  return least + blindness * (SEPARATION_BLIND * headroom - least);
}

/** A cosine as a score of 0..1 that means the same for every embedder: 0.7 is a right answer. Monotone. */
export const calibrateCosine = (cosine: number, calibration: CosineScale): number =>
  scoreOf(cosineEvidence(cosine, calibration));

const isRussian = (text: string): boolean => /\p{Script=Cyrillic}/u.test(text);

/** Between the neighbours, linearly; `values` is not empty. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const place = (sorted.length - 1) * share;
  const low = sorted[Math.floor(place)] ?? 0;
  const high = sorted[Math.ceil(place)] ?? low;
  return low + (high - low) * (place - Math.floor(place));
}
