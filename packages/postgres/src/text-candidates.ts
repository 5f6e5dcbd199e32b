import type { TextHit, TextHits } from "@engram/memory";
import type { Values } from "@engram/sql";
import { ANY_SPEAKER, anyOf } from "./lexemes.ts";

/** What is known of a row before its neighbours are. */
export type Candidate = Omit<TextHit, "before" | "after">;
export type Statistics = Pick<TextHits, "documents" | "averageLength" | "documentFrequencies">;

/** Candidates as `candidatesSql` gives them: parallel lists, null where there is none. */
export interface CandidateColumns {
  readonly numbers: readonly number[] | null;
  readonly ids: readonly string[] | null;
  readonly lengths: readonly number[] | null;
  readonly turns: readonly boolean[] | null;
  readonly marked: readonly boolean[] | null;
  /** Of every watched lexeme in a row: the row's number, the lexeme, and how often it stands there. */
  readonly words: readonly [
    numbers: readonly number[] | null,
    lexemes: readonly string[] | null,
    counts: readonly number[] | null,
  ];
}

/**
 * The candidates of a CTE (`n`, `id`, `length`, `is_event`, and `found`, their lexemes) in columns, which take a third of the time of an
 * object for each; of their lexemes those that are watched.
 */
export function candidatesSql(
  rows: string,
  watched: readonly string[],
  marks: readonly string[],
  values: Values,
): string {
  return `(SELECT json_build_object('numbers', json_agg(c.n), 'ids', json_agg(c.id), 'lengths', json_agg(c.length),
         'turns', json_agg(c.is_event AND c.found @@ ${values.add(ANY_SPEAKER)}::tsquery), 'marked', json_agg(${marks.length === 0 ? "false" : `c.found @@ ${values.add(anyOf(marks))}::tsquery`}),
         'words', (SELECT json_build_array(json_agg(x.n), json_agg((x.l).lexeme), json_agg(coalesce(cardinality((x.l).positions), 1)))
           FROM (SELECT n, unnest(found) AS l FROM ${rows} OFFSET 0) x WHERE (x.l).lexeme = ANY (${values.add(watched)}::text[])))
       FROM ${rows} c)`;
}

export function toCandidates(columns: CandidateColumns): readonly Candidate[] {
  const frequencies: Record<string, number>[] = [];
  for (const number of columns.numbers ?? []) frequencies[number] = {};
  const [numbers, lexemes, counts] = columns.words;
  numbers?.forEach((number, at) => {
    const row = frequencies[number];
    const lexeme = lexemes?.[at];
    if (row !== undefined && lexeme !== undefined) row[lexeme] = counts?.[at] ?? 1;
  });
  return (columns.numbers ?? []).map((number, at) => ({
    id: columns.ids?.[at] ?? "",
    length: columns.lengths?.[at] ?? 0,
    isTurn: columns.turns?.[at] ?? false,
    isMarked: columns.marked?.[at] ?? false,
    frequencies: frequencies[number] ?? {},
  }));
}

/** In how many of the candidates each lexeme stands. */
export function frequenciesOf(candidates: readonly Candidate[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { frequencies } of candidates)
    for (const lexeme of Object.keys(frequencies)) counts.set(lexeme, (counts.get(lexeme) ?? 0) + 1);
  return Object.fromEntries(counts);
}

/** Best first by idf, equal ones by id: a rough BM25 that chooses among thousands; `lexicalScores` ranks what is chosen. */
export function bestOf(
  candidates: readonly Candidate[],
  wanted: ReadonlySet<string>,
  { documents, documentFrequencies }: Statistics,
): readonly Candidate[] {
  const weights = new Map<string, number>();
  for (const lexeme of wanted) {
    const known = Object.hasOwn(documentFrequencies, lexeme) ? (documentFrequencies[lexeme] ?? 0) : 0;
    weights.set(lexeme, Math.log(1 + (documents - known + 0.5) / (known + 0.5)));
  }
  const rankOf = ({ frequencies }: Candidate): number => {
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
