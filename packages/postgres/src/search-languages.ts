import { MemoryError } from "@engram/memory";
import type { Executor } from "@engram/sql";

/** What the migrations make. */
const DEFAULT = ["russian", "english"] as const;
/** Their configurations stem words in Latin letters as English ones. */
const WITH_ENGLISH: ReadonlySet<string> = new Set(["russian", "hindi"]);
/** Columns of lexemes, and the index of each. */
const COLUMNS = [
  {
    table: "public.memories",
    expression: "engram.search_document(content, occurred_at)",
    index: "CREATE INDEX idx_memories_search ON public.memories USING gin (search)",
  },
  {
    table: "engram.messages",
    expression: "engram.search_document(content, said_at)",
    index: "CREATE INDEX messages_searchable ON engram.messages USING gin (search) WHERE extracted_at IS NULL",
  },
] as const;

/**
 * Has words stemmed by the rules of these languages (names of PostgreSQL's text search configurations), in what is stored
 * and in questions alike. Where other ones stand, both tables are written anew in one transaction, which their readers and
 * writers wait for. True: they did. Throws `invalid` for a language that the database does
 * not know.
 */
export async function useSearchLanguages(db: Executor, languages: readonly string[]): Promise<boolean> {
  const wanted = configurationsOf(languages);
  if (await stand(db, wanted)) return false;
  return db.transaction(async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock(hashtext('engram.search_stems'))");
    if (await stand(tx, wanted)) return false;
    await refuseUnknown(tx, wanted);
    await tx.script(`${functionsSql(wanted)}
      COMMENT ON FUNCTION engram.search_stems(text) IS '${wanted.join(",")}';
      ${COLUMNS.map(
        ({ table, expression, index }) => `ALTER TABLE ${table} DROP COLUMN search;
      ALTER TABLE ${table} ADD COLUMN search tsvector GENERATED ALWAYS AS (${expression}) STORED; ${index};`,
      ).join("\n")}`);
    return true;
  });
}

function configurationsOf(languages: readonly string[]): readonly string[] {
  const all = [...new Set(languages)].toSorted();
  for (const language of all)
    if (!/^[a-z]{1,32}$/.test(language))
      throw new MemoryError("invalid", `SEARCH_LANGUAGES: ${language} is no language`);
  return all.some((language) => WITH_ENGLISH.has(language)) ? all.filter((language) => language !== "english") : all;
}

async function stand(db: Executor, wanted: readonly string[]): Promise<boolean> {
  const [row] = await db.query<{ languages: string | null }>(
    "SELECT obj_description('engram.search_stems(text)'::regprocedure, 'pg_proc') AS languages",
  );
  return (row?.languages ?? configurationsOf(DEFAULT).join(",")) === wanted.join(",");
}

async function refuseUnknown(tx: Executor, wanted: readonly string[]): Promise<void> {
  const rows = await tx.query<{ name: string }>(
    "SELECT cfgname::text AS name FROM pg_ts_config WHERE cfgnamespace = 'pg_catalog'::regnamespace ORDER BY 1",
  );
  const known = rows.map((row) => row.name);
  const unknown = wanted.filter((language) => !known.includes(language));
  if (unknown.length > 0)
    throw new MemoryError(
      "invalid",
      `SEARCH_LANGUAGES: the database has no ${unknown.join(", ")}; it has ${known.join(", ")}`,
    );
}

/** The same functions as in the migrations, over these configurations. */
function functionsSql(configurations: readonly string[]): string {
  const vectorOf = (name: string): string =>
    `to_tsvector('pg_catalog.${name}'::regconfig, engram.search_fold(content))`;
  const stems = configurations.map(vectorOf).reduce((one, other) => `engram.search_union(${one}, ${other})`);
  const words = configurations
    .map((name) => `SELECT lexeme, unnest(positions) AS at FROM unnest(${vectorOf(name)})`)
    .join(" UNION ALL ");
  const alike = `(SELECT coalesce(jsonb_agg(word.lexemes), '[]') FROM (
      SELECT array_agg(DISTINCT lexeme) AS lexemes FROM (${words}) AS stems GROUP BY at HAVING count(DISTINCT lexeme) > 1) AS word)`;
  return `CREATE OR REPLACE FUNCTION engram.search_stems(content text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
      RETURN ${stems};
    CREATE OR REPLACE FUNCTION engram.search_alike(query text) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
      RETURN ${configurations.length < 2 ? "'[]'::jsonb" : alike.replaceAll("(content)", "(query)")};`;
}
