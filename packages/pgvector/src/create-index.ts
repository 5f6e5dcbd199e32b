import { MemoryError, type CollectionRef, type PointState, type VectorIndex } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { createLargeTenants } from "./large-tenants.ts";
import { dropTable, prepareTable } from "./prepare-table.ts";
import { publishTable } from "./publish-table.ts";
import { readVectors } from "./read-vectors.ts";
import { inspectTable, scanTable } from "./scan.ts";
import { search } from "./search.ts";
import { identifier, relationOf, type PublicTable } from "./tables.ts";
import { setPayload, upsert } from "./write-points.ts";

export interface PgvectorOptions {
  /** The name of the live collection's table in `public`, for people; absent: nobody reads this database but Engram. */
  readonly publishAs?: string;
  /** Of whom that table has so many numbers in vectors, its graph is asked. Absent: 40 million, 104,000 vectors of 384. */
  readonly graphFromNumbers?: number;
}

/**
 * Vectors in the truth's own database: an upsert and its row's version are checked in one statement, and deletes follow
 * by trigger in the same commit. A search scans the caller's own vectors exactly, which is faster than a graph up to
 * some ten thousand memories per user and never misses; of who has ten times as many, the public table's graph is asked.
 *
 * All that a filter asks for stands in the row, which every query joins, so a point is its vector, version and hash.
 * Calls take no signal: a statement is bounded by the pool's timeout, and PGlite cannot be interrupted at all.
 */
export function createPgvectorIndex(db: Executor, options: PgvectorOptions = {}): VectorIndex {
  const publicTable: PublicTable | undefined =
    options.publishAs === undefined ? undefined : { name: identifier(options.publishAs) };
  const large = publicTable === undefined ? undefined : createLargeTenants(db, publicTable, options.graphFromNumbers);
  return {
    joinsRows: true,
    readVectors: (collection, ids) => readVectors(db, collection, ids),
    prepare: (collection) => prepareTable(db, collection, publicTable),
    publish: async (collection) => (publicTable === undefined ? undefined : publishTable(db, collection, publicTable)),
    drop: (collection) => dropTable(db, collection, publicTable),
    fetchStates: (collection, ids, signal) => begin(signal, () => fetchStates(db, collection, ids)),
    scan: (collection, page, signal) => begin(signal, () => scanTable(db, relationOf(collection), page)),
    inspect: (collection, signal) => begin(signal, () => inspectTable(db, relationOf(collection))),
    upsert: (collection, points, signal) => begin(signal, () => upsert(db, collection, points)),
    setPayload: (collection, points, signal) => begin(signal, () => setPayload(db, collection, points)),
    delete: (collection, ids, signal) => begin(signal, () => remove(db, collection, ids)),
    search: (collection, query, signal) => begin(signal, () => search(db, large, collection, query)),
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

async function fetchStates(
  db: Executor,
  collection: CollectionRef,
  ids: readonly string[],
): Promise<ReadonlyMap<string, PointState>> {
  const rows = await db.query<{ id: string; version: number; hash: string }>(
    `SELECT id, version, fingerprint AS hash FROM ${relationOf(collection)} WHERE id = ANY($1::uuid[])`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, { version: row.version, hash: row.hash }]));
}

/** Says for the length of this statement that it keeps the index: else a row that goes would take its memory along. */
async function remove(db: Executor, collection: CollectionRef, ids: readonly string[]): Promise<void> {
  await db.query(
    `WITH author AS MATERIALIZED (SELECT set_config('engram.index_author', 'on', true) AS is_set)
     DELETE FROM ${relationOf(collection)} v USING author WHERE author.is_set = 'on' AND v.id = ANY($1::uuid[])`,
    [ids],
  );
}

async function listTenant(
  db: Executor,
  collection: CollectionRef,
  { tenant, limit, after }: Parameters<VectorIndex["listTenant"]>[1],
): Promise<readonly string[] | undefined> {
  const table = relationOf(collection);
  const [known] = await db.query<{ stands: boolean }>("SELECT to_regclass($1) IS NOT NULL AS stands", [table]);
  if (known?.stands !== true) return undefined;
  const rows = await db.query<{ id: string }>(
    `SELECT id FROM ${table} WHERE tenant = $1::uuid AND ($2::uuid IS NULL OR id > $2::uuid) ORDER BY id LIMIT $3::int`,
    [tenant, after ?? null, limit],
  );
  return rows.map((row) => row.id);
}
