import type { Calibration, CosineScale } from "./ports/index.ts";

/**
 * The scale for a question, by its script. A model that knows one language only (MiniLM: to it all Russian sentences are alike,
 * .7) has one for the script of that language and others for the rest, in which it is trusted with nothing. Of a script
 * that no probe is written in nothing is known: it has the most careful scale that was measured.
 */
export function scaleFor(calibration: Calibration, query: string): CosineScale {
  const { background, related } = scaleOfScript(calibration, query);
  return { background, related };
}

function scaleOfScript(calibration: Calibration, query: string): CosineScale {
  if (isCyrillic(query)) return calibration.cyrillic ?? calibration;
  if (EAST_ASIAN.test(query)) return calibration.eastAsian ?? mostCareful(calibration);
  const letters = query.match(/\p{L}/gu) ?? [];
  const latin = query.match(/\p{Script=Latin}/gu) ?? [];
  // A Greek letter in an English question does not make it Greek.
  return 2 * latin.length >= letters.length ? calibration : mostCareful(calibration);
}

const isCyrillic = (text: string): boolean => /\p{Script=Cyrillic}/u.test(text);
const EAST_ASIAN = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

function mostCareful(calibration: Calibration): CosineScale {
  return [calibration, calibration.cyrillic, calibration.eastAsian]
    .filter((scale) => scale !== undefined)
    .reduce((one, other) => (cosineOfRight(other) > cosineOfRight(one) ? other : one));
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

/** What cosines speak for on a scale: a line above its background and a flatter one below it. */
export interface EvidenceLines {
  readonly background: number;
  /** How much of a cosine is worth one right answer. */
  readonly above: number;
  readonly below: number;
}

export function evidenceLines(scale: CosineScale): EvidenceLines {
  const separation = trustedSeparation(scale);
  const below = Math.max(separation, SEPARATION_BELOW_MIN * headroomOf(scale)) / BELOW_BACKGROUND;
  return { background: scale.background, above: separation, below };
}

/** 0 at the background, 1 at a right answer, less than 0 below the background. */
export const evidenceOn = ({ background, above, below }: EvidenceLines, cosine: number): number =>
  (cosine - background) / (cosine >= background ? above : below);

const headroomOf = ({ background }: CosineScale): number => Math.max(HEADROOM_MIN, 1 - background);

/** An embedder tells right answers from others on this scale well enough that its cosines may speak for a memory. */
export function isTrusted(scale: CosineScale): boolean {
  return scale.related - scale.background >= SEPARATION_MIN * headroomOf(scale);
}

/** The measured separation; a small one is stretched, the more the smaller, until no cosine is evidence of an answer. */
function trustedSeparation(scale: CosineScale): number {
  const separation = scale.related - scale.background;
  if (isTrusted(scale)) return separation;
  const headroom = headroomOf(scale);
  const least = SEPARATION_MIN * headroom;
  const blindness = 1 - Math.max(0, separation) / least;
  return least + blindness * (SEPARATION_BLIND * headroom - least);
}

/** The cosine that is worth one right answer; above 1 where none is. */
const cosineOfRight = (scale: CosineScale): number => scale.background + trustedSeparation(scale);

/** A cosine as a score of 0..1 that means the same for every embedder: 0.7 is a right answer. Monotone. */
export const calibrateCosine = (cosine: number, calibration: CosineScale): number =>
  scoreOf(evidenceOn(evidenceLines(calibration), cosine));
