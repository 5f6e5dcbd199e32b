import { evidenceLines, evidenceOn, scoreOf } from "./calibration.ts";
import type { TextScores } from "./lexical.ts";
import { nthGreatest } from "./nth-greatest.ts";
import type { CosineScale, VectorHit } from "./ports/index.ts";
import { scratch } from "./scratch.ts";

/**
 * The lexical score (as `lexicalScores` gives it) that is worth as much as a right answer's cosine: four tenths of the
 * question's weight, each word said once. Words alone then find the guide's notification memories at 0.7, and one word of
 * three does not pass. It also sets the weight between the arms: with MiniLM a dense share of about .39, where .35 to .45
 * are within half a point of recall@10 on statements (the flat optimum of retrieval.md 9).
 */
export const TEXT_OF_RIGHT = 0.18;
/** The score of a memory that says every word of the question once: 1 / (1 + k1). */
const TEXT_OF_ALL = 0.45;
/**
 * A turn's vector knows nothing of the turns beside it, which its words do: among turns of a talk alone it counts half,
 * that is a dense share of .25 (80.7 recall@10 of 786 questions; 79.0 in full).
 */
const VECTOR_OF_TURN = 0.5;

export interface FuseInput extends Fusion {
  /** Undefined: the vector arm did not answer, and words rank alone on the same scale. */
  readonly vectorHits: readonly Pick<VectorHit, "id" | "cosine">[] | undefined;
  /** What `lexicalScores` gave; empty when no word is shared, or when the query has none. */
  readonly textScores: ReadonlyMap<string, number>;
}

/** How candidates are ranked, and which of them. */
export interface Fusion {
  /** The share of turns of a talk among what words found, 0..1; absent: none. */
  readonly turnShare?: number;
  /** Null: the embedder was never probed; cosines then order memories, but speak for none. */
  readonly calibration: CosineScale | null;
  /**
   * Of a memory that is not among the hits. True (the default): it has a vector, which is no nearer than the least of
   * theirs. False: it has none yet, and is taken to be as near as its words are the query's.
   */
  readonly hasVector?: (id: string) => boolean;
  /** Of what scores less, or is gone, nothing is told; absent: all is. */
  readonly threshold?: number;
  readonly gone?: ReadonlySet<string>;
  /** So many of the best; absent: all. */
  readonly count?: number;
}

/** What either arm found, by place. */
export interface Candidates {
  readonly ids: readonly string[];
  /** NaN: not among the vector hits. */
  readonly cosines: Float64Array;
  /** NaN: no word shared; neither, and it is no candidate. */
  readonly lexical: ArrayLike<number>;
  /** As they are held; absent: they are known of rows alone. */
  readonly versions?: ArrayLike<number>;
}

/** The vector hits in their order, if it is known where in a list of ids they stand. */
export interface Placed {
  readonly ids: readonly string[];
  readonly places: ArrayLike<number>;
  /** Of all ids. */
  readonly versions: ArrayLike<number>;
}

export interface Ranked {
  readonly id: string;
  /** As it is held; undefined: that is known of its row alone. */
  readonly version: number | undefined;
  /** 0..1; 0.7 is a right answer. */
  readonly score: number;
  /** Undefined: not among the vector hits. */
  readonly cosine: number | undefined;
  /** Undefined: no word shared. */
  readonly lexical: number | undefined;
  /** What both are worth, in units of one right answer; `score` is `scoreOf` of their sum. */
  readonly vectorEvidence: number;
  readonly textEvidence: number;
}

/** One ranking of both arms, best first, equally good ones by id. */
export function fuse(input: FuseInput): readonly Ranked[] {
  const { vectorHits, textScores } = input;
  return rankCandidates(
    candidatesOf(vectorHits, { ids: [...textScores.keys()], scores: [...textScores.values()] }),
    input,
  );
}

/**
 * What both arms found. Of a vector hit that is told twice the nearer counts, of one without a number none. `placed`: where
 * the vector hits stand; nothing is looked up where that is among the ids of the text.
 */
export function candidatesOf(vectorHits: FuseInput["vectorHits"], text: TextScores, placed?: Placed): Candidates {
  const hits = vectorHits ?? [];
  if (placed !== undefined && placed.ids === text.ids) {
    const cosines = new Float64Array(text.ids.length).fill(Number.NaN);
    for (let at = 0; at < hits.length; at++)
      cosines[placed.places[at] as number] = (hits[at] as Pick<VectorHit, "cosine">).cosine;
    return { ids: text.ids, cosines, lexical: text.scores, versions: placed.versions };
  }
  const nearest = new Map<string, number>();
  for (const { id, cosine } of hits)
    if (Number.isFinite(cosine) && cosine > (nearest.get(id) ?? Number.NEGATIVE_INFINITY)) nearest.set(id, cosine);
  const [ids, cosines, lexical]: [string[], number[], number[]] = [[], [], []];
  for (let place = 0; place < text.ids.length; place++) {
    const score = text.scores[place] as number;
    if (Number.isNaN(score)) continue;
    const id = text.ids[place] as string;
    ids.push(id);
    cosines.push(nearest.get(id) ?? Number.NaN);
    lexical.push(score);
    nearest.delete(id);
  }
  for (const [id, cosine] of nearest) {
    ids.push(id);
    cosines.push(cosine);
    lexical.push(Number.NaN);
  }
  return { ids, cosines: Float64Array.from(cosines), lexical };
}

/**
 * Best first, equally good ones by id: a weighted sum of cosine and windowed BM25 (retrieval.md 2: ten points above reciprocal
 * rank fusion, which forgets how clearly a memory wins), each in units of one right answer's worth, on the logistic curve
 * of `scoreOf`. So the score keeps its meaning whatever the other candidates are, and either arm alone
 * can carry a memory over 0.7.
 */
export function rankCandidates(candidates: Candidates, fusion: Fusion): readonly Ranked[] {
  return scratch.use(() => takeBest(candidates, fusion));
}

function takeBest(candidates: Candidates, fusion: Fusion): readonly Ranked[] {
  const { ids, cosines, lexical, versions } = candidates;
  const { threshold = 0, gone, count = ids.length } = fusion;
  const { ofVectors, sums, places } = weighAll(candidates, fusion);
  // An answer takes few of a thousand: only of so many an object is made, and they alone are sorted.
  const left =
    gone === undefined || gone.size === 0 ? places : places.filter((place) => !gone.has(ids[place] as string));
  const before = (one: number, other: number): number =>
    (sums[other] as number) - (sums[one] as number) || ((ids[one] as string) < (ids[other] as string) ? -1 : 1);
  return Array.from(greatest(left, sums, count))
    .sort(before)
    .slice(0, count)
    .map((place) => ({
      id: ids[place] as string,
      version: versions?.[place],
      score: scoreOf(sums[place] as number),
      cosine: numberOf(cosines[place] as number),
      lexical: numberOf(lexical[place] as number),
      vectorEvidence: ofVectors[place] as number,
      textEvidence: textEvidenceOf(lexical[place] as number),
    }))
    .filter(({ score }) => score >= threshold);
}

const textEvidenceOf = (lexical: number): number => (Number.isNaN(lexical) ? 0 : lexical / TEXT_OF_RIGHT);
const numberOf = (value: number): number | undefined => (Number.isNaN(value) ? undefined : value);

/**
 * The candidates' evidence in all and what their vectors speak for, by place, and where they are. Of the sums the order is
 * made: a score has no digits left where much evidence speaks for a memory.
 */
function weighAll(
  { ids, cosines, lexical }: Candidates,
  { turnShare = 0, calibration, hasVector = () => true }: Fusion,
): { readonly ofVectors: Float64Array; readonly sums: Float64Array; readonly places: Int32Array } {
  const { lines, ofFar, ofNearest } = vectorEvidence(cosines, calibration);
  const vectorWeight = 1 - (1 - VECTOR_OF_TURN) * turnShare;
  const ofVectors = scratch.float64(ids.length);
  const sums = scratch.float64(ids.length);
  const places = scratch.int32(ids.length);
  let count = 0;
  for (let place = 0; place < ids.length; place++) {
    const cosine = cosines[place] as number;
    const said = lexical[place] as number;
    const isNear = !Number.isNaN(cosine);
    if (!isNear && Number.isNaN(said)) continue;
    places[count++] = place;
    let ofVector = ofFar;
    if (isNear) ofVector = evidenceOn(lines, cosine);
    else if (!hasVector(ids[place] as string)) ofVector = ofNearest * Math.min(1, said / TEXT_OF_ALL);
    ofVectors[place] = vectorWeight * ofVector;
    sums[place] = rounded(vectorWeight * ofVector + textEvidenceOf(said));
  }
  return { ofVectors, sums, places: places.subarray(0, count) };
}

/** What is added up in another order differs in its last digits: equally good ones stay equal, wherever they were weighed. */
const rounded = (sum: number): number => Math.round(sum * 1e9) / 1e9;

/** The places of the `count` greatest, and of all that are equal to the least of them. */
function greatest(places: Int32Array, numbers: Float64Array, count: number): Int32Array {
  if (places.length <= count) return places;
  const own = scratch.float64(places.length);
  for (let at = 0; at < places.length; at++) own[at] = numbers[places[at] as number] as number;
  const least = nthGreatest(own, count);
  const taken = scratch.int32(places.length);
  let to = 0;
  for (let at = 0; at < places.length; at++)
    if ((numbers[places[at] as number] as number) >= least) taken[to++] = places[at] as number;
  return taken.subarray(0, to);
}

/** What cosines speak for, and what the lack of one does; never less than nothing for the nearest, nor more for the far. */
function vectorEvidence(cosines: Float64Array, calibration: CosineScale | null) {
  let greatestOf = Number.NEGATIVE_INFINITY;
  let least = Number.POSITIVE_INFINITY;
  for (let place = 0; place < cosines.length; place++) {
    const cosine = cosines[place] as number;
    if (cosine > greatestOf) greatestOf = cosine;
    if (cosine < least) least = cosine;
  }
  if (greatestOf < least) return { lines: { background: 0, above: 1, below: 1 }, ofFar: 0, ofNearest: 0 };
  // Never probed: the best hit counts as background, so no cosine speaks for anything.
  const lines = evidenceLines(calibration ?? { background: greatestOf, related: greatestOf });
  return {
    lines,
    // In a pool of right answers the least cosine is high too.
    ofFar: Math.min(0, evidenceOn(lines, least)),
    ofNearest: Math.max(0, evidenceOn(lines, greatestOf)),
  };
}
