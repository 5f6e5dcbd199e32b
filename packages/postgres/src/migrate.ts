import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { MemoryError } from "@engram/memory";
import { codeOf, type Executor } from "@engram/sql";
import { useSearchLanguages } from "./search-languages.ts";

const FOLDER = new URL("../migrations/", import.meta.url);
/** Any number that no other program takes for its own advisory lock: "engram" on a telephone. */
const LOCK = 364_726;

/** Of the first migration, whose schema `prepareFirst` has made or found: it would ask for the right to create anyhow. */
const SCHEMA_STATEMENT = "CREATE SCHEMA IF NOT EXISTS engram;\n";

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly hash: string;
}

/**
 * Brings the schema up to the code, one transaction per file, and returns the names of those it ran. Safe from several
 * processes at once, through a pooler too (the lock lives as long as the transaction). Without `searchLanguages` those stay that stand. Throws `unavailable` with the
 * cure in its message when the database is not ready for us: rights missing, another encoding, another program's table, newer
 * than the code.
 */
export async function migrate(
  db: Executor,
  { searchLanguages }: { readonly searchLanguages?: readonly string[] | undefined } = {},
): Promise<readonly string[]> {
  const migrations = await readMigrations();
  try {
    const ran: string[] = [];
    const applied = await readApplied(db);
    refuseNewer(migrations, applied);
    for (const migration of migrations)
      if (!applied.has(migration.name) && (await apply(db, migration))) ran.push(migration.name);
    if (searchLanguages !== undefined && (await useSearchLanguages(db, searchLanguages)))
      ran.push(`search languages: ${searchLanguages.join(", ")}`);
    // At every start: tables are made after migrations too, and the roles may have come later.
    await db.query("SELECT engram.lock_out()");
    return ran;
  } catch (error) {
    throw explain(error);
  }
}

/** The names of migrations that `migrate` would run now. */
export async function pendingMigrations(db: Executor): Promise<readonly string[]> {
  const [migrations, applied] = await Promise.all([readMigrations(), readApplied(db)]);
  return migrations.filter((migration) => !applied.has(migration.name)).map((migration) => migration.name);
}

async function readMigrations(): Promise<readonly Migration[]> {
  const names = (await readdir(FOLDER)).filter((name) => /^\d{4}-.+\.sql$/.test(name)).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, FOLDER), "utf8");
      return { name, sql, hash: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}

async function readApplied(db: Executor): Promise<ReadonlyMap<string, string>> {
  const [table] = await db.query<{ known: boolean }>("SELECT to_regclass('engram.migrations') IS NOT NULL AS known");
  if (table?.known !== true) return new Map();
  const rows = await db.query<{ name: string; hash: string }>("SELECT name, hash FROM engram.migrations");
  return new Map(rows.map((row) => [row.name, row.hash]));
}

function refuseNewer(migrations: readonly Migration[], applied: ReadonlyMap<string, string>): void {
  const known = new Map(migrations.map((migration) => [migration.name, migration.hash]));
  for (const [name, hash] of applied) {
    if (!known.has(name))
      throw new MemoryError(
        "unavailable",
        `The database is newer than this program: it has migration ${name}. Start the newer version, or restore an older backup`,
      );
    if (known.get(name) !== hash)
      throw new MemoryError(
        "unavailable",
        `Migration ${name} in the database differs from this program's. Start the version that wrote it`,
      );
  }
}

/** False: another process ran it first. */
function apply(db: Executor, migration: Migration): Promise<boolean> {
  return db.transaction(async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock($1::bigint)", [LOCK]);
    if ((await readApplied(tx)).has(migration.name)) return false;
    if (migration.name.startsWith("0001")) await prepareFirst(tx);
    await tx.script(migration.sql.replace(SCHEMA_STATEMENT, ""));
    await tx.query("INSERT INTO engram.migrations (name, hash) VALUES ($1, $2)", [migration.name, migration.hash]);
    return true;
  });
}

async function prepareFirst(tx: Executor): Promise<void> {
  const [database] = await tx.query<{ encoding: string }>("SELECT current_setting('server_encoding') AS encoding");
  if (database?.encoding !== "UTF8")
    throw new MemoryError(
      "unavailable",
      `The database's encoding is ${database?.encoding}, which does not know all letters. Make it anew: CREATE DATABASE <name> ENCODING 'UTF8' TEMPLATE template0;`,
    );
  const [foreign] = await tx.query<{ stands: boolean }>("SELECT to_regclass('public.memories') IS NOT NULL AS stands");
  if (foreign?.stands === true)
    throw new MemoryError(
      "unavailable",
      "The database already has a table public.memories that is not Engram's. Give Engram a database of its own, or rename that table",
    );
  // IF NOT EXISTS asks for the right to create even where it stands, and a role may own its schema and no more.
  const [schema] = await tx.query<{ stands: boolean }>("SELECT to_regnamespace('engram') IS NOT NULL AS stands");
  await tx.script(`${schema?.stands === true ? "" : "CREATE SCHEMA engram;"}
    CREATE TABLE engram.migrations (name text PRIMARY KEY, hash text NOT NULL, at timestamptz NOT NULL DEFAULT now())`);
}

/** What an operator can do about a database that refuses us. */
function explain(error: unknown): unknown {
  const code = codeOf(error instanceof MemoryError ? error.cause : error);
  const detail = error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
  if (code === "42501")
    return new MemoryError(
      "unavailable",
      `The database refuses: ${detail}. As an owner run: GRANT CREATE ON DATABASE <name> TO <role>; GRANT CREATE, USAGE ON SCHEMA public TO <role>;`,
      { cause: error },
    );
  return error;
}
