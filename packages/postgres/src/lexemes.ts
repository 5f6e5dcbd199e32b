import { speakerLexeme, type AnalysedQuery, type TextQuery } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { LRUCache } from "lru-cache";

export type Analyse = (query: TextQuery) => Promise<AnalysedQuery>;

/** Questions whose lexemes are remembered: a chat asks the same thing of several users and arms. */
const REMEMBERED_MAX = 1_000;
/** Longer ones are hardly asked twice, and would take much memory. */
const REMEMBERED_LENGTH_MAX = 500;

const analyses = new WeakMap<Executor, Analyse>();

/** What asks a database for a question's lexemes, once for as long as the question is remembered. */
export function analyseIn(db: Executor): Analyse {
  const standing = analyses.get(db) ?? createAnalyse(db);
  analyses.set(db, standing);
  return standing;
}

function createAnalyse(db: Executor): Analyse {
  const known = new LRUCache<string, Promise<AnalysedQuery>>({ max: REMEMBERED_MAX });
  return (query) => {
    const days = query.days.map((day) => day.words);
    const key = JSON.stringify([query.text, query.marks, days]);
    const standing = known.get(key);
    if (standing !== undefined) return standing;
    const asked = analyse(db, query.text, query.marks, days);
    if (key.length > REMEMBERED_LENGTH_MAX) return asked;
    known.set(key, asked);
    asked.catch(() => known.delete(key));
    return asked;
  };
}

async function analyse(db: Executor, text: string, marks: string, days: readonly string[]): Promise<AnalysedQuery> {
  const [row] = await db.query<{ terms: string[]; alike: string[][]; marks: string[]; day_words: string[][] }>(
    `SELECT engram.search_terms($1::text) AS terms, engram.search_alike($1::text) AS alike, engram.search_terms($2::text) AS marks, (
       SELECT coalesce(json_agg(engram.search_terms(d.words) ORDER BY d.n), '[]') FROM unnest($3::text[]) WITH ORDINALITY AS d (words, n)) AS day_words`,
    [text, marks, days],
  );
  if (row === undefined) throw new Error("a statement without a table gave no row");
  const { terms, alike, marks: marked, day_words: dayWords } = row;
  return { terms, alike, marks: marked, dayWords };
}

/** Any of the lexemes, as a tsquery; at least one. */
export function anyOf(lexemes: Iterable<string>): string {
  return Array.from(lexemes, quoteLexeme).join(" | ");
}

export function quoteLexeme(lexeme: string): string {
  return `'${lexeme.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/** A turn's speaker, whoever it is, as a tsquery. */
export const ANY_SPEAKER = `'${speakerLexeme("")}':*`;
