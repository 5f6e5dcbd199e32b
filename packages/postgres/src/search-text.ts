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
  readonly documents: number;
  readonly average_length: number;
  readonly document_frequencies: Record<string, number> | null;
  readonly hits: HitJson[] | null;
}

interface HitJson extends Omit<TextHit, "frequencies"> {
  /** What is watched for and stands in the row, and how often. */
  readonly lexemes: string[];
  readonly counts: number[];
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
  const who = speakerLexeme("");
  const [row] = await db.query<TextRow>(
    `WITH asked AS MATERIALIZED (
       SELECT a.*, a.terms || ${days}::text[] AS wanted,
         a.terms || ${days}::text[] || ARRAY(SELECT '${who}' || t FROM unnest(a.terms) t) AS watched,
         (SELECT string_agg(quote_literal(t), ' | ') FROM unnest(a.terms || ${days}::text[]) t)::tsquery AS query,
         (SELECT string_agg(quote_literal(t), ' | ') FROM unnest(engram.search_terms(${marks}::text)) t)::tsquery AS marks
       FROM (SELECT engram.search_terms(${text}::text) AS terms,
         (SELECT coalesce(jsonb_agg(engram.search_terms(w.words) ORDER BY w.n), '[]') FROM unnest(${dayWords}::text[]) WITH ORDINALITY AS w (words, n)) AS day_words) a),
     seen AS MATERIALIZED (SELECT count(*)::int AS documents, coalesce(avg(length(m.search)), 0)::float8 AS average_length FROM public.memories m WHERE ${condition}),
     matching AS MATERIALIZED (
       SELECT m.id, m.user_id, m.project_id, m.session_id, m.type, m.created_at, length(m.search) AS length, m.search @@ '''${who}'':*'::tsquery AS is_turn,
         coalesce(m.search @@ a.marks, false) AS is_marked, l.lexemes, l.counts
       FROM public.memories m, asked a, LATERAL (
         SELECT array_agg(l.lexeme) AS lexemes, array_agg(coalesce(cardinality(l.positions), 1)) AS counts FROM unnest(m.search) l WHERE l.lexeme = ANY(a.watched)) l
       WHERE ${condition} AND m.search @@ a.query),
     df AS MATERIALIZED (
       SELECT jsonb_object_agg(d.lexeme, d.n) AS frequencies,
         jsonb_object_agg(d.lexeme, ln(1 + (seen.documents - d.n + 0.5::float8) / (d.n + 0.5::float8))) FILTER (WHERE d.lexeme = ANY(a.wanted)) AS weights
       FROM (SELECT lexeme, count(*)::int AS n FROM matching, unnest(lexemes) AS lexeme GROUP BY 1) d, asked a, seen),
     best AS (SELECT *, row_number() OVER (ORDER BY rank DESC NULLS LAST, id) AS place FROM (
         SELECT m.*, (SELECT sum((df.weights ->> l.lexeme)::float8 * l.n / (l.n + 1.2::float8)) FROM unnest(m.lexemes, m.counts) AS l (lexeme, n)) AS rank
         FROM matching m, df) m ORDER BY place LIMIT ${values.add(limit)}::int),
     hits AS (SELECT jsonb_agg(jsonb_build_object('id', b.id, 'length', b.length, 'isTurn', b.is_turn, 'isMarked', b.is_marked, 'lexemes', b.lexemes, 'counts', b.counts,
         'before', CASE WHEN b.place <= ${NEIGHBOURED_MAX} THEN ${neighbours(condition, "before")} ELSE '[]' END,
         'after', CASE WHEN b.place <= ${NEIGHBOURED_MAX} THEN ${neighbours(condition, "after")} ELSE '[]' END)) AS list FROM best b)
     SELECT asked.terms, asked.day_words, seen.documents, seen.average_length, df.frequencies AS document_frequencies, hits.list AS hits
     FROM asked, seen, df, hits`,
    values.list,
  );
  return {
    hits: (row?.hits ?? []).map(toTextHit),
    terms: groupTerms(row?.terms ?? [], query.days, row?.day_words ?? []),
    documents: row?.documents ?? 0,
    averageLength: row?.average_length ?? 0,
    documentFrequencies: row?.document_frequencies ?? {},
  };
}

function toTextHit({ lexemes, counts, ...hit }: HitJson): TextHit {
  return { ...hit, frequencies: Object.fromEntries(lexemes.map((lexeme, at) => [lexeme, counts[at] ?? 1])) };
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
