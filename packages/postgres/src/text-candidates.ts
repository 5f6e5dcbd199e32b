import type { TextCandidates } from "@engram/memory";
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

export function toCandidates(columns: CandidateColumns): TextCandidates {
  const ids = columns.ids ?? [];
  const places = new Map((columns.numbers ?? []).map((number, place) => [number, place]));
  const postings = new Map<string, { readonly places: number[]; readonly counts: number[] }>();
  const [numbers, lexemes, counts] = columns.words;
  for (const [at, lexeme] of (lexemes ?? []).entries()) {
    const standing = postings.get(lexeme) ?? { places: [], counts: [] };
    postings.set(lexeme, standing);
    standing.places.push(places.get(numbers?.[at] ?? 0) ?? 0);
    standing.counts.push(counts?.[at] ?? 1);
  }
  return {
    ids,
    hits: [...ids.keys()],
    lengths: columns.lengths ?? [],
    turns: Uint8Array.from(columns.turns ?? [], Number),
    marked: Uint8Array.from(columns.marked ?? [], Number),
    postings,
  };
}

/** Both; no row is in both. */
export function joinCandidates(left: TextCandidates, right: TextCandidates): TextCandidates {
  const first = left.ids.length;
  const postings = new Map(left.postings);
  for (const [lexeme, { places, counts }] of right.postings) {
    const known = postings.get(lexeme);
    postings.set(lexeme, {
      places: [...Array.from(known?.places ?? []), ...Array.from(places, (place) => first + place)],
      counts: [...Array.from(known?.counts ?? []), ...Array.from(counts)],
    });
  }
  return {
    ids: [...left.ids, ...right.ids],
    hits: [...Array.from(left.hits), ...Array.from(right.hits, (place) => first + place)],
    lengths: [...Array.from(left.lengths), ...Array.from(right.lengths)],
    turns: [...Array.from(left.turns), ...Array.from(right.turns)],
    marked: [...Array.from(left.marked), ...Array.from(right.marked)],
    postings,
  };
}
