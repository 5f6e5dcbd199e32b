import {
  bestOf,
  EVENT_TYPE,
  frequenciesOf,
  groupTerms,
  NO_HITS,
  speakerLexeme,
  type MemoryFilter,
  type TextHits,
  type TextQuery,
} from "@engram/memory";
import { filterSql, Values, type Executor } from "@engram/sql";
import { analyseIn, anyOf } from "./lexemes.ts";
import { findOlder } from "./search-older.ts";
import { candidatesSql, joinCandidates, toCandidates, type CandidateColumns } from "./text-candidates.ts";
import { withNeighbours, type TalkColumns } from "./text-neighbours.ts";

/**
 * So many of the newest rows that the caller sees are gone through, which is all of them for most users: one pass over
 * them costs less than a look into the index of all users' words, and gives BM25 what it needs to know. Of who has more,
 * the older rows are asked by that index for the words that are rare in these.
 */
const SEEN_MAX = 4_000;

interface TextRow extends Record<string, unknown> {
  readonly documents: number;
  readonly average_length: number;
  readonly oldest: readonly [createdAt: string, id: string] | null;
  readonly found: CandidateColumns;
  readonly talks: TalkColumns | null;
}

/**
 * Rows that share a word with the query, best first by idf, those beside the best of them in their sessions, and what BM25
 * needs, in one statement (three for who has more rows than are gone through). An OR query: with all words required,
 * recall@10 is 12 instead of 62 (PostgreSQL 15, 786 questions). Neighbours pass the same filter and belong to the same
 * user, so that nothing leaks by what stands beside it.
 */
export async function searchText(
  db: Executor,
  query: TextQuery,
  filter: MemoryFilter,
  limit: number,
): Promise<TextHits> {
  const { terms, alike, dayWords, marks } = await analyseIn(db)(query);
  const wanted = new Set([...terms, ...query.days.flatMap((day) => day.lexemes)]);
  if (wanted.size === 0) return NO_HITS;
  const watched = [...wanted, ...terms.map(speakerLexeme)];
  const values = new Values();
  const condition = filterSql(filter, values);
  const seenMax = `${values.add(SEEN_MAX)}::int`;
  const eventType = values.add(EVENT_TYPE);
  const [row] = await db.query<TextRow>(
    `WITH seen AS MATERIALIZED (
       SELECT m.id, m.user_id, m.session_id, m.type = ${eventType} AS is_event, m.created_at, length(m.search) AS length, CASE WHEN m.search @@ ${values.add(anyOf(wanted))}::tsquery THEN m.search END AS found
       FROM (SELECT m.id, m.user_id, m.session_id, m.type, m.created_at, m.search FROM public.memories m
         WHERE ${condition} ORDER BY m.created_at DESC, m.id DESC LIMIT ${seenMax}) m),
     hits AS MATERIALIZED (SELECT row_number() OVER () AS n, id, length, is_event, found FROM seen WHERE found IS NOT NULL)
     SELECT count(*)::int AS documents, coalesce(avg(length), 0)::float8 AS average_length,
       CASE WHEN count(*) = ${seenMax} THEN (SELECT json_build_array(created_at::text, id) FROM seen ORDER BY created_at, id LIMIT 1) END AS oldest,
       ${candidatesSql("hits", watched, marks, values)} AS found,
       (SELECT json_agg(json_build_array(t.ids, t.seconds)) FROM (
         SELECT json_agg(id ORDER BY created_at, id) AS ids, json_agg(date_part('epoch', created_at) ORDER BY created_at, id) FILTER (WHERE session_id IS NULL) AS seconds
         FROM seen WHERE user_id IS NOT NULL AND (session_id IS NOT NULL OR is_event)
         GROUP BY user_id, session_id, is_event HAVING count(found) > 0) t) AS talks
     FROM seen`,
    values.list,
  );
  if (row === undefined) throw new Error("a statement of aggregates gave no row");
  const { documents, average_length: averageLength, oldest } = row;
  const seen = toCandidates(row.found);
  const statistics = { documents, averageLength, documentFrequencies: frequenciesOf(seen.postings) };
  const older = oldest && (await findOlder(db, filter, { oldest, wanted, watched, marks, ...statistics }));
  const candidates = older ? joinCandidates(seen, older) : seen;
  const best = bestOf(candidates, wanted, { ...statistics, limit });
  return {
    ...(await withNeighbours(db, filter, best, row.talks ?? [], new Set(older?.ids))),
    terms: groupTerms({ lexemes: terms, alike }, query.days, dayWords),
    ...statistics,
  };
}
