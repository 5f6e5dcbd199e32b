import type { TextCandidate } from "@engram/memory";
import type { Values } from "@engram/sql";
import { ANY_SPEAKER, anyOf } from "./lexemes.ts";

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

export function toCandidates(columns: CandidateColumns): readonly TextCandidate[] {
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
