import {
  groupTerms,
  speakerLexeme,
  type MemoryFilter,
  type TextHit,
  type TextHits,
  type TextQuery,
} from "@engram/memory";
import { filterSql, Values, type Executor } from "@engram/sql";

interface TextRow extends Record<string, unknown> {
  readonly terms: string[];
  readonly day_words: string[][];
  readonly marks: string[];
  readonly documents: number;
  readonly average_length: number;
  readonly document_frequencies: Record<string, number> | null;
  readonly hits: TextHit[] | null;
}

/** Of so many of the best hits the neighbours are looked up; they borrow from any hit. More changes nothing. */
const NEIGHBOURED_MAX = 150;
/** How far a neighbour lends its words: three to either side (`lexicalScores`). */
const NEIGHBOURS = 3;
/** So many of the user's memories are looked at for them, since two sessions may be told at once. */
const NEIGHBOURS_SEEN = 12;
/** Events without a session are of one talk as long as none is told later than this after the other. */
const TALK_GAP = "10 minutes";

/**
 * Rows that share a word with the query, best first by idf, those beside the best of them in their sessions, and what BM25 needs,
 * in one statement. An OR query: with all words required, recall@10 is 12 instead of 62 (PostgreSQL 15, 786 questions).
 * Neighbours pass the same filter and belong to the same user, so that nothing leaks by what stands beside it.
 */
export async function searchText(
  db: Executor,
  query: TextQuery,
  filter: MemoryFilter,
  limit: number,
): Promise<TextHits> {
  const values = new Values();
  const condition = filterSql(filter, values);
  const text = values.add(query.text);
  const dayWords = values.add(query.days.map((day) => day.words));
  const days = values.add(query.days.flatMap((day) => day.lexemes));
  const marks = values.add(query.marks);
  const [row] = await db.query<TextRow>(
    `WITH asked AS MATERIALIZED (
       SELECT a.*, a.terms || ${days}::text[] AS wanted,
         a.terms || ${days}::text[] || ARRAY(SELECT '${speakerLexeme("")}' || t FROM unnest(a.terms) t) AS counted,
         (SELECT string_agg(quote_literal(t), ' | ') FROM unnest(a.terms || ${days}::text[]) t)::tsquery AS query
       FROM (SELECT engram.search_terms(${text}::text) AS terms, engram.search_terms(${marks}::text) AS marks,
         (SELECT coalesce(jsonb_agg(engram.search_terms(w.words) ORDER BY w.n), '[]') FROM unnest(${dayWords}::text[]) WITH ORDINALITY AS w (words, n)) AS day_words) a),
     seen AS (SELECT count(*)::int AS documents, coalesce(avg(length(m.search)), 0)::float8 AS average_length FROM public.memories m WHERE ${condition}),
     matching AS MATERIALIZED (
       SELECT m.id, m.search, m.user_id, m.project_id, m.session_id, m.type, m.created_at FROM public.memories m, asked a WHERE ${condition} AND m.search @@ a.query),
     said AS MATERIALIZED (
       SELECT m.id, l.lexeme, coalesce(cardinality(l.positions), 1) AS n FROM matching m, asked a, unnest(m.search) l WHERE l.lexeme = ANY(a.counted)),
     df AS MATERIALIZED (SELECT lexeme, count(*)::int AS n FROM said GROUP BY 1),
     best AS (SELECT m.*, r.frequencies, row_number() OVER (ORDER BY r.rank DESC, id) AS place FROM matching m JOIN (
         SELECT s.id, jsonb_object_agg(s.lexeme, s.n) AS frequencies, sum(ln(1 + (seen.documents - df.n + 0.5) / (df.n + 0.5)) * s.n / (s.n + 1.2)) AS rank
         FROM said s JOIN df USING (lexeme), seen GROUP BY 1) r USING (id)
       ORDER BY place LIMIT ${values.add(limit)}::int),
     hits AS (SELECT jsonb_agg(jsonb_build_object('id', b.id, 'length', length(b.search), 'isTurn', b.search @@ '''${speakerLexeme("")}'':*'::tsquery,
         'frequencies', b.frequencies || CASE WHEN cardinality(a.marks) = 0 THEN '{}' ELSE (
           SELECT coalesce(jsonb_object_agg(l.lexeme, 1), '{}') FROM unnest(b.search) l WHERE l.lexeme = ANY(a.marks) AND NOT b.frequencies ? l.lexeme) END,
         'before', CASE WHEN b.place <= ${NEIGHBOURED_MAX} THEN ${neighbours(condition, "before")} ELSE '[]' END,
         'after', CASE WHEN b.place <= ${NEIGHBOURED_MAX} THEN ${neighbours(condition, "after")} ELSE '[]' END)) AS list FROM best b, asked a)
     SELECT asked.terms, asked.day_words, asked.marks, seen.documents, seen.average_length, (SELECT jsonb_object_agg(lexeme, n) FROM df) AS document_frequencies, hits.list AS hits
     FROM asked, seen, hits`,
    values.list,
  );
  return {
    hits: row?.hits ?? [],
    terms: groupTerms(row?.terms ?? [], query.days, row?.day_words ?? []),
    marks: row?.marks ?? [],
    documents: row?.documents ?? 0,
    averageLength: row?.average_length ?? 0,
    documentFrequencies: row?.document_frequencies ?? {},
  };
}

/** The ids of those told beside row `b` in its session, the nearest first, as a JSON array. */
function neighbours(condition: string, side: "before" | "after"): string {
  const [comparison, direction, gap] =
    side === "before"
      ? ["<", "DESC", `m.created_at > b.created_at - interval '${TALK_GAP}'`]
      : [">", "ASC", `m.created_at < b.created_at + interval '${TALK_GAP}'`];
  return `to_jsonb(ARRAY(SELECT n.id FROM (
      SELECT m.id, m.session_id, m.type, m.created_at, ${gap} AS is_near FROM public.memories m
      WHERE ${condition} AND m.user_id = b.user_id AND m.project_id = b.project_id AND (m.created_at, m.id) ${comparison} (b.created_at, b.id)
      ORDER BY m.created_at ${direction}, m.id ${direction} LIMIT ${NEIGHBOURS_SEEN}) n
    WHERE CASE WHEN b.session_id IS NULL THEN n.session_id IS NULL AND n.is_near AND n.type = 'interaction' AND b.type = 'interaction'
      ELSE n.session_id = b.session_id END
    ORDER BY n.created_at ${direction}, n.id ${direction} LIMIT ${NEIGHBOURS}))`;
}
