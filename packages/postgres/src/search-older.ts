import { EVENT_TYPE, frequencyOf, type TextCandidates, type MemoryFilter, type Statistics } from "@engram/memory";
import { filterSql, Values, type Executor } from "@engram/sql";
import { quoteLexeme } from "./lexemes.ts";
import { candidatesSql, toCandidates, type CandidateColumns } from "./text-candidates.ts";

/** Rows of the index's answer that are looked at, the newest ones. */
const OLDER_MAX = 2_000;
/** The rarest words, as long as together they stand in no more of the rows. */
const RARE_SHARE = 0.05;
/** Of the words that are no rarer, so many are asked for in pairs: who says two of them is worth a look. */
const PAIRED_MAX = 4;

export interface Seen extends Statistics {
  /** The oldest row that was gone through. */
  readonly oldest: readonly [createdAt: string, id: string];
  /** Lexemes that are asked for, those whose frequencies are wanted, and those that are worth a little. */
  readonly wanted: ReadonlySet<string>;
  readonly watched: readonly string[];
  readonly marks: readonly string[];
}

/** Candidates among the rows that are older than those gone through, by the index of words. Undefined: none is looked for. */
export async function findOlder(
  db: Executor,
  filter: MemoryFilter,
  { oldest, wanted, watched, marks, ...statistics }: Seen,
): Promise<TextCandidates | undefined> {
  const looked = rareQuery(wanted, statistics);
  if (looked === undefined) return undefined;
  const values = new Values();
  const condition = filterSql(filter, values);
  const [createdAt, id] = oldest.map((value) => values.add(value));
  // The words are a value of the statement, so that the planner knows how rare they are.
  const [row] = await db.query<{ readonly found: CandidateColumns }>(
    `WITH older AS MATERIALIZED (
       SELECT row_number() OVER () AS n, m.id, length(m.search) AS length, m.type = ${values.add(EVENT_TYPE)} AS is_event, m.search AS found FROM (
         SELECT m.id, m.type, m.search FROM public.memories m
         WHERE ${condition} AND (m.created_at, m.id) < (${createdAt}::timestamptz, ${id}::uuid) AND m.search @@ ${values.add(looked)}::tsquery
         ORDER BY m.created_at DESC, m.id DESC LIMIT ${OLDER_MAX}) m)
     SELECT ${candidatesSql("older", watched, marks, values)} AS found`,
    values.list,
  );
  return row && toCandidates(row.found);
}

/** As a tsquery: any of the rarest words, or two of the commoner ones. Undefined: one common word, of which there is enough. */
function rareQuery(wanted: ReadonlySet<string>, statistics: Statistics): string | undefined {
  const known = Array.from(wanted, (lexeme) => ({
    word: quoteLexeme(lexeme),
    frequency: frequencyOf(statistics, lexeme),
  })).sort((left, right) => left.frequency - right.frequency || (left.word < right.word ? -1 : 1));
  let share = 0;
  const rare = known.filter(({ frequency }) => (share += frequency) <= RARE_SHARE * statistics.documents);
  const common = known.slice(rare.length, rare.length + PAIRED_MAX);
  const pairs = common.flatMap(({ word }, at) => common.slice(at + 1).map((other) => `(${word} & ${other.word})`));
  const any = [...rare.map(({ word }) => word), ...pairs];
  return any.length === 0 ? undefined : any.join(" | ");
}
