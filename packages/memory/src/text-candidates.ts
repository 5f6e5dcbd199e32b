import type { TextHit, TextHits } from "./ports/index.ts";

/** Of so many of the best hits the neighbours are looked up; they borrow from any hit. More changes nothing. */
export const NEIGHBOURED_MAX = 150;
/** How far a neighbour lends its words: three to either side (`lexicalScores`). */
export const NEIGHBOURS = 3;
/** Events without a session are of one talk as long as none is told later than this after the other. */
export const TALK_GAP_SECONDS = 600;

/** What is known of a row before its neighbours are. */
export type TextCandidate = Omit<TextHit, "before" | "after">;
export type Statistics = Pick<TextHits, "documents" | "averageLength" | "documentFrequencies">;

/** In how many of the candidates each lexeme stands. */
export function frequenciesOf(candidates: readonly TextCandidate[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { frequencies } of candidates)
    for (const lexeme of Object.keys(frequencies)) counts.set(lexeme, (counts.get(lexeme) ?? 0) + 1);
  return Object.fromEntries(counts);
}

/** Best first by idf, equal ones by id: a rough BM25 that chooses among thousands; `lexicalScores` ranks what is chosen. */
export function bestOf(
  candidates: readonly TextCandidate[],
  wanted: ReadonlySet<string>,
  { documents, documentFrequencies }: Statistics,
): readonly TextCandidate[] {
  const weights = new Map<string, number>();
  for (const lexeme of wanted) {
    const known = Object.hasOwn(documentFrequencies, lexeme) ? (documentFrequencies[lexeme] ?? 0) : 0;
    weights.set(lexeme, Math.log(1 + (documents - known + 0.5) / (known + 0.5)));
  }
  const rankOf = ({ frequencies }: TextCandidate): number => {
    let sum = 0;
    for (const lexeme of Object.keys(frequencies)) {
      const count = frequencies[lexeme] ?? 0;
      sum += ((weights.get(lexeme) ?? 0) * count) / (count + 1.2);
    }
    return sum;
  };
  return candidates
    .map((candidate) => ({ candidate, rank: rankOf(candidate) }))
    .sort((left, right) => right.rank - left.rank || (left.candidate.id < right.candidate.id ? -1 : 1))
    .map(({ candidate }) => candidate);
}
