import { MemoryError, type CollectionRef } from "@engram/memory";
import type { Executor } from "@engram/sql";
import {
  columnsOf,
  dimsOf,
  dropPublicTriggers,
  findStanding,
  hasRows,
  HNSW_DIMS_MAX,
  isGuideShaped,
  kindOf,
  partOf,
  publicTriggers,
  relationOf,
  viewOf,
  type PublicTable,
} from "./tables.ts";

/**
 * Makes a collection's table, or finds it: also the one that the guide's reader made by hand under the public name. Throws
 * `unavailable` without the extension, `invalid` where vectors of other dimensions stand under the collection's name.
 */
export async function prepareTable(
  db: Executor,
  collection: CollectionRef,
  publicTable: PublicTable | undefined,
): Promise<void> {
  const relation = relationOf(collection);
  await db.query("CREATE EXTENSION IF NOT EXISTS vector").catch((error: unknown) => {
    throw new MemoryError(
      "unavailable",
      "The database has no extension vector. Run as its owner: CREATE EXTENSION vector; or set QDRANT_URL",
      { cause: error },
    );
  });
  await db.transaction(async (tx) => {
    await lockTables(tx);
    if ((await kindOf(tx, relation)) === undefined && !(await adopt(tx, collection, publicTable)))
      await tx.script(createTable(collection, publicTable));
    await keepInline(tx, collection, publicTable);
    await tellChanges(tx, collection, publicTable);
    await follow(tx, collection);
    await tx.query("SELECT engram.lock_out()");
  });
  const dims = await dimsOf(db, relation);
  if (dims !== collection.dims)
    throw new MemoryError(
      "invalid",
      `${relation} holds vectors of ${dims} dimensions, ${collection.model} gives ${collection.dims}. Set EMBEDDING_DIMENSIONS to ${dims}, or MEM0_COLLECTION_NAME to a new name`,
    );
}

/** One process at a time makes or moves tables. */
export async function lockTables(tx: Executor): Promise<void> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('engram.vectors'))");
}

/**
 * Smaller than pgvector's default (16, 64): every write pays for it, and past some thousand vectors of 1536 dimensions the
 * default makes a batch ten times as dear, this one twice.
 */
const GRAPH = "m = 8, ef_construction = 32";

/** The graph is for those who read the public table with SQL of their own: the adapter's searches are exact. */
function createTable(collection: CollectionRef, publicTable: PublicTable | undefined): string {
  const relation = relationOf(collection);
  const forReaders =
    publicTable === undefined
      ? ""
      : `CREATE INDEX ${partOf(collection, "user")} ON ${relation} (user_id);
         ${collection.dims > HNSW_DIMS_MAX ? "" : `CREATE INDEX ${partOf(collection, "hnsw")} ON ${relation} USING hnsw (embedding vector_cosine_ops) WITH (${GRAPH});`}`;
  return `CREATE TABLE ${relation} (${columnsOf(collection.dims)});
    CREATE INDEX ${partOf(collection, "tenant")} ON ${relation} (tenant, id);
    ${foreignIndex(collection, relation)};
    ${forReaders}`;
}

/** The greatest that PostgreSQL takes. */
const TOAST_TUPLE_TARGET = 8_160;

/**
 * Has vectors lie in their rows, as far as these fit into a page (1,900 dimensions, less a long text). Otherwise they lie
 * outside from 2 KB on, and then each comparison is a look into a second index (14 ms instead of 3 for a user's 1,000
 * vectors of 512 dimensions among 100,000), and the table looks so small that joins read all of it.
 */
async function keepInline(
  tx: Executor,
  collection: CollectionRef,
  publicTable: PublicTable | undefined,
): Promise<void> {
  const table = await tableOf(tx, collection, publicTable);
  const option = `toast_tuple_target=${TOAST_TUPLE_TARGET}`;
  const [standing] = await tx.query<{ known: boolean }>(
    "SELECT coalesce($2::text = ANY (reloptions), false) AS known FROM pg_class WHERE oid = to_regclass($1) AND relkind = 'r'",
    [table, option],
  );
  if (standing?.known === false) await tx.script(`ALTER TABLE ${table} SET (${option})`);
}

/** Where a collection's rows are: in its own table, or in the public one. */
async function tableOf(tx: Executor, collection: CollectionRef, publicTable: PublicTable | undefined): Promise<string> {
  const relation = relationOf(collection);
  const isView = (await kindOf(tx, relation)) === "view";
  return isView && publicTable !== undefined ? `public.${publicTable.name}` : relation;
}

const EVENTS = ["insert", "update"] as const;

/** Has what is written told to those who hold vectors in memory (migration 0050), whoever writes it. */
async function tellChanges(
  tx: Executor,
  collection: CollectionRef,
  publicTable: PublicTable | undefined,
): Promise<void> {
  const table = await tableOf(tx, collection, publicTable);
  const [standing] = await tx.query<{ n: number }>(
    "SELECT count(*)::int AS n FROM pg_trigger WHERE tgrelid = to_regclass($1) AND tgfoid = 'engram.vectors_told'::regproc",
    [table],
  );
  if (standing?.n === EVENTS.length) return;
  for (const event of EVENTS)
    await tx.script(`CREATE OR REPLACE TRIGGER engram_told_${event} AFTER ${event} ON ${table} REFERENCING NEW TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION engram.vectors_told()`);
}

/** Empty, as a rule: every start asks for rows of others. */
function foreignIndex(collection: CollectionRef, relation: string): string {
  return `CREATE INDEX IF NOT EXISTS ${partOf(collection, "foreign")} ON ${relation} (id) WHERE version IS NULL`;
}

/**
 * Takes the table that was made by hand, with whatever rows of others it has, where its vectors are as long; one without
 * rows is made as long. False: there is none, or it cannot be taken, which `publish` explains.
 */
async function adopt(tx: Executor, collection: CollectionRef, publicTable: PublicTable | undefined): Promise<boolean> {
  if (publicTable === undefined) return false;
  const relation = `public.${publicTable.name}`;
  const standing = await findStanding(tx, relation);
  if (standing === undefined || !standing.isOwned || standing.collection !== undefined || !isGuideShaped(standing))
    return false;
  if (standing.hidesRows) return false;
  // An index wants it too, and what cannot be finished must not be begun.
  const [rights] = await tx.query<{ may: boolean }>("SELECT has_schema_privilege('public', 'CREATE') AS may");
  if (rights?.may !== true) return false;
  // Rows with a version are of a collection that has ended. The triggers may have come along with the table, by a dump of
  // schema public say: to them a row that goes would be a memory to be forgotten.
  if (standing.columns["version"] !== undefined) {
    await tx.script(dropPublicTriggers(publicTable));
    await tx.query(`DELETE FROM ${relation} WHERE version IS NOT NULL`);
  }
  if ((await dimsOf(tx, relation)) !== collection.dims) {
    if (await hasRows(tx, relation)) return false;
    await resize(tx, relation, collection.dims);
  }
  await tx.script(`ALTER TABLE ${relation} ADD COLUMN IF NOT EXISTS version bigint,
      ADD COLUMN IF NOT EXISTS fingerprint text, ADD COLUMN IF NOT EXISTS tenant uuid;
    CREATE INDEX IF NOT EXISTS ${partOf(collection, "tenant")} ON ${relation} (tenant, id);
    ${foreignIndex(collection, relation)};
    ${viewOf(collection, publicTable)};
    ${publicTriggers(publicTable)}`);
  return true;
}

async function resize(tx: Executor, relation: string, dims: number): Promise<void> {
  const graphs = await tx.query<{ name: string }>(
    `SELECT i.indexrelid::regclass::text AS name FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
     WHERE i.indrelid = to_regclass($1) AND a.attname = 'embedding'`,
    [relation],
  );
  if (dims > HNSW_DIMS_MAX) for (const { name } of graphs) await tx.script(`DROP INDEX ${name}`);
  await tx.script(`ALTER TABLE ${relation} ALTER COLUMN embedding TYPE vector(${dims})`);
}

/** Points go with their memories in the same commit. */
async function follow(tx: Executor, collection: CollectionRef): Promise<void> {
  const relation = relationOf(collection);
  const triggers = partOf(collection, "follows");
  // By an array and not by a join, whose plan would read the whole table for each chunk of a mass deletion. The setting is
  // given back: what a person deletes later in the same transaction is a person's.
  await tx.script(`CREATE OR REPLACE FUNCTION engram.${triggers}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE author text := coalesce(current_setting('engram.index_author', true), '');
    BEGIN
      -- Dropped by hand, with all that depends on it: the index is made anew, and meanwhile nobody's deletion fails.
      IF to_regclass('${relation}') IS NULL THEN RETURN NULL; END IF;
      PERFORM set_config('engram.index_author', 'on', true);
      IF TG_OP = 'TRUNCATE' THEN DELETE FROM ${relation}; ELSE DELETE FROM ${relation} WHERE id = ANY (ARRAY(SELECT gone.id FROM gone)); END IF;
      PERFORM set_config('engram.index_author', author, true);
      RETURN NULL;
    END $$;`);
  const [standing] = await tx.query<{ n: number }>(
    "SELECT count(*)::int AS n FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE p.proname = $1 AND t.tgrelid = 'public.memories'::regclass",
    [triggers],
  );
  if (standing?.n === 0)
    await tx.script(`CREATE TRIGGER ${partOf(collection, "d")} AFTER DELETE ON public.memories REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION engram.${triggers}();
      CREATE TRIGGER ${partOf(collection, "t")} AFTER TRUNCATE ON public.memories FOR EACH STATEMENT EXECUTE FUNCTION engram.${triggers}();`);
}

/** The triggers' lock stops every writer for a moment: whoever cannot have it soon comes again later. */
const LOCK_TIMEOUT = "2s";

export async function boundLocks(tx: Executor): Promise<void> {
  await tx.script(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`);
}

/** Takes a collection away. Of the public table only its rows go: the table may be somebody's, and the next one's. */
export async function dropTable(
  db: Executor,
  collection: CollectionRef,
  publicTable: PublicTable | undefined,
): Promise<void> {
  const relation = relationOf(collection);
  const triggers = partOf(collection, "follows");
  await db.transaction(async (tx) => {
    await boundLocks(tx);
    await lockTables(tx);
    const kind = await kindOf(tx, relation);
    // Whatever its triggers were called: they hang on the function.
    await tx.script(`DROP FUNCTION IF EXISTS engram.${triggers}() CASCADE`);
    if (kind === "view" && publicTable !== undefined)
      await tx.script(`DROP VIEW ${relation};
        ${dropPublicTriggers(publicTable)};
        DELETE FROM public.${publicTable.name} WHERE version IS NOT NULL`);
    else if (kind === "table") await tx.script(`DROP TABLE ${relation}`);
  });
}
