import {
  MemoryError,
  toDecimals,
  type CollectionRef,
  type IndexPoint,
  type IndexPointWithVector,
  type PointState,
  type VectorHit,
  type VectorIndex,
  type VectorQuery,
} from "@engram/memory";
import { filterSql, Values, type Executor } from "@engram/sql";
import { inspectTable, scanTable } from "./scan.ts";

/**
 * Vectors in the truth's own database: an upsert and its row's version are checked in one statement, and deletes follow
 * by trigger in the same commit. A search scans the caller's own vectors exactly, which is faster than a graph up to
 * some ten thousand memories per user and never misses.
 *
 * All that a filter asks for stands in the row, which every query joins, so a point is its vector, version and hash.
 * Calls take no signal: a statement is bounded by the pool's timeout, and PGlite cannot be interrupted at all.
 */
export function createPgvectorIndex(db: Executor): VectorIndex {
  return {
    joinsRows: true,
    prepare: (collection) => prepare(db, collection),
    publish: () => Promise.resolve(),
    drop: (collection) => drop(db, collection),
    fetchStates: (collection, ids, signal) => begin(signal, () => fetchStates(db, collection, ids)),
    scan: (collection, page, signal) => begin(signal, () => scanTable(db, tableOf(collection), page)),
    inspect: (collection, signal) => begin(signal, () => inspectTable(db, tableOf(collection))),
    upsert: (collection, points, signal) => begin(signal, () => upsert(db, collection, points)),
    setPayload: (collection, points, signal) => begin(signal, () => setPayload(db, collection, points)),
    delete: (collection, ids, signal) => begin(signal, () => remove(db, collection, ids)),
    search: (collection, query, signal) => begin(signal, () => search(db, collection, query)),
    listTenant: (collection, query, signal) => begin(signal, () => listTenant(db, collection, query)),
    ping: async () => {
      await db.query("SELECT 1");
    },
    close: () => Promise.resolve(),
  };
}

/** No effect is started once the signal has fired. */
async function begin<T>(signal: AbortSignal, effect: () => Promise<T>): Promise<T> {
  if (signal.aborted)
    throw new MemoryError("unavailable", "The index was not asked: too late", { cause: signal.reason });
  return effect();
}

/** Names come from `collectionName`: letters, digits and `_` only. Checked all the same, for they become SQL text. */
function tableOf(collection: CollectionRef): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(collection.name))
    throw new MemoryError("invalid", `${collection.name} is no valid collection name`);
  return `engram.${collection.name}`;
}

/** 63 bytes of an identifier, less the `_d` or `_t` that tells the triggers apart. */
const TRIGGER_NAME_LENGTH_MAX = 61;

function triggersOf(collection: CollectionRef): string {
  return `${collection.name}_follows`.slice(0, TRIGGER_NAME_LENGTH_MAX);
}

/** As many dimensions of four bytes as a page of 8 KB holds beside the rest of its row; more of them must lie outside. */
const INLINE_DIMS_MAX = 1_950;

/** 63 bytes of an identifier, less `_tenant`. */
const TENANT_INDEX_NAME_LENGTH_MAX = 56;

async function prepare(db: Executor, collection: CollectionRef): Promise<void> {
  const table = tableOf(collection);
  const triggers = triggersOf(collection);
  const tenantIndex = `${collection.name.slice(0, TENANT_INDEX_NAME_LENGTH_MAX)}_tenant`;
  await db.query("CREATE EXTENSION IF NOT EXISTS vector").catch((error: unknown) => {
    throw new MemoryError(
      "unavailable",
      "The database has no extension vector. Run as its owner: CREATE EXTENSION vector; or set QDRANT_URL",
      { cause: error },
    );
  });
  await db.transaction(async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock(hashtext($1))", [table]);
    // By an array and not by a join, whose plan would read the whole table for each chunk of a mass deletion.
    // Inline, as far as they fit: pgvector would have them lie outside of the row from 2 KB on, and then each comparison is
    // a look into a second index (14 ms instead of 3 for a user's 1,000 vectors of 512 dimensions among 100,000), and the
    // table looks so small that joins read all of it.
    await tx.script(`CREATE TABLE IF NOT EXISTS ${table} (
        id uuid PRIMARY KEY, version bigint NOT NULL, hash text NOT NULL, embedding vector(${collection.dims}) NOT NULL, tenant uuid);
      CREATE INDEX IF NOT EXISTS ${tenantIndex} ON ${table} (tenant, id);
      CREATE OR REPLACE FUNCTION engram.${triggers}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
      BEGIN
        IF TG_OP = 'TRUNCATE' THEN DELETE FROM ${table}; ELSE DELETE FROM ${table} WHERE id = ANY (ARRAY(SELECT gone.id FROM gone)); END IF;
        RETURN NULL;
      END $$;`);
    const [storage] = await tx.query<{ inline: boolean }>(
      "SELECT attstorage = 'p' AS inline FROM pg_attribute WHERE attrelid = $1::regclass AND attname = 'embedding'",
      [table],
    );
    if (storage?.inline === false && collection.dims <= INLINE_DIMS_MAX)
      await tx.script(`ALTER TABLE ${table} ALTER COLUMN embedding SET STORAGE PLAIN`);
    const [standing] = await tx.query<{ n: number }>(
      "SELECT count(*)::int AS n FROM pg_trigger WHERE tgname = $1 AND tgrelid = 'public.memories'::regclass",
      [`${triggers}_d`],
    );
    if (standing?.n === 0)
      await tx.script(`CREATE TRIGGER ${triggers}_d AFTER DELETE ON public.memories REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION engram.${triggers}();
        CREATE TRIGGER ${triggers}_t AFTER TRUNCATE ON public.memories FOR EACH STATEMENT EXECUTE FUNCTION engram.${triggers}();`);
    await tx.query("SELECT engram.lock_out()");
  });
  const [column] = await db.query<{ dims: number }>(
    "SELECT atttypmod AS dims FROM pg_attribute WHERE attrelid = $1::regclass AND attname = 'embedding'",
    [table],
  );
  if (column?.dims !== collection.dims)
    throw new MemoryError(
      "invalid",
      `${table} holds vectors of ${column?.dims} dimensions, ${collection.model} gives ${collection.dims}. Set EMBEDDING_DIMENSIONS to ${column?.dims}, or MEM0_COLLECTION_NAME to a new name`,
    );
}

/** The triggers' lock stops every writer for a moment: whoever cannot have it soon comes again later. */
const DROP_LOCK_TIMEOUT = "2s";

async function drop(db: Executor, collection: CollectionRef): Promise<void> {
  const table = tableOf(collection);
  const triggers = triggersOf(collection);
  await db.transaction((tx) =>
    tx.script(`SET LOCAL lock_timeout = '${DROP_LOCK_TIMEOUT}';
      DROP TRIGGER IF EXISTS ${triggers}_d ON public.memories; DROP TRIGGER IF EXISTS ${triggers}_t ON public.memories;
      DROP FUNCTION IF EXISTS engram.${triggers}(); DROP TABLE IF EXISTS ${table}`),
  );
}

async function fetchStates(
  db: Executor,
  collection: CollectionRef,
  ids: readonly string[],
): Promise<ReadonlyMap<string, PointState>> {
  const rows = await db.query<{ id: string; version: number; hash: string }>(
    `SELECT id, version, hash FROM ${tableOf(collection)} WHERE id = ANY($1::uuid[])`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, { version: row.version, hash: row.hash }]));
}

/**
 * Only rows that still have the version that was embedded, under a lock that a delete waits for and an update does not
 * (without it 450 orphans in 787 rounds, with FOR SHARE deadlocks); what is locked otherwise is left for the next claim.
 */
async function upsert(
  db: Executor,
  collection: CollectionRef,
  points: readonly IndexPointWithVector[],
): Promise<readonly string[]> {
  const input = points.map(({ memory, hash, vector }) => ({
    id: memory.id,
    version: memory.version,
    tenant: memory.tenant,
    hash,
    embedding: `[${toDecimals(vector).join(",")}]`,
  }));
  const rows = await db.query<{ id: string }>(
    `INSERT INTO ${tableOf(collection)} AS v (id, version, hash, embedding, tenant)
     SELECT m.id, d.version, d.hash, d.embedding::vector, d.tenant
     FROM json_to_recordset($1::json) AS d(id uuid, version bigint, hash text, embedding text, tenant uuid)
     JOIN public.memories m ON m.id = d.id AND m.version = d.version ORDER BY m.id FOR KEY SHARE OF m SKIP LOCKED
     ON CONFLICT (id) DO UPDATE SET version = excluded.version, hash = excluded.hash, embedding = excluded.embedding,
       tenant = excluded.tenant RETURNING v.id`,
    [JSON.stringify(input)],
  );
  return rows.map((row) => row.id);
}

async function setPayload(
  db: Executor,
  collection: CollectionRef,
  points: readonly IndexPoint[],
): Promise<readonly string[]> {
  const input = points.map(({ memory, hash }) => ({
    id: memory.id,
    version: memory.version,
    tenant: memory.tenant,
    hash,
  }));
  const rows = await db.query<{ id: string }>(
    `UPDATE ${tableOf(collection)} v SET version = d.version, tenant = d.tenant FROM (
       SELECT m.id, d.version, d.hash, d.tenant FROM json_to_recordset($1::json) AS d(id uuid, version bigint, hash text, tenant uuid)
       JOIN public.memories m ON m.id = d.id AND m.version = d.version ORDER BY m.id FOR KEY SHARE OF m SKIP LOCKED) d
     WHERE v.id = d.id AND v.hash = d.hash RETURNING v.id`,
    [JSON.stringify(input)],
  );
  return rows.map((row) => row.id);
}

async function remove(db: Executor, collection: CollectionRef, ids: readonly string[]): Promise<void> {
  await db.query(`DELETE FROM ${tableOf(collection)} WHERE id = ANY($1::uuid[])`, [ids]);
}

/** An exact scan over what the filter lets through; tenants are not needed, the row itself says whose it is. */
async function search(db: Executor, collection: CollectionRef, query: VectorQuery): Promise<readonly VectorHit[]> {
  const values = new Values();
  const vector = `${values.add(`[${toDecimals(query.vector).join(",")}]`)}::vector`;
  const rows = await db.query<{ id: string; version: number; cosine: number }>(
    `SELECT v.id, v.version, 1 - (v.embedding <=> ${vector}) AS cosine
     FROM public.memories m JOIN ${tableOf(collection)} v ON v.id = m.id AND v.version = m.version
     WHERE ${filterSql(query.filter, values)} ORDER BY 3 DESC, 1 LIMIT ${values.add(query.limit)}::int`,
    values.list,
  );
  return rows;
}

async function listTenant(
  db: Executor,
  collection: CollectionRef,
  { tenant, limit, after }: Parameters<VectorIndex["listTenant"]>[1],
): Promise<readonly string[] | undefined> {
  const table = tableOf(collection);
  const [known] = await db.query<{ stands: boolean }>("SELECT to_regclass($1) IS NOT NULL AS stands", [table]);
  if (known?.stands !== true) return undefined;
  const rows = await db.query<{ id: string }>(
    `SELECT id FROM ${table} WHERE tenant = $1::uuid AND ($2::uuid IS NULL OR id > $2::uuid) ORDER BY id LIMIT $3::int`,
    [tenant, after ?? null, limit],
  );
  return rows.map((row) => row.id);
}
