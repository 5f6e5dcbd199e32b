import { MemoryError, type CollectionRef } from "@engram/memory";
import { codeOf, type Executor } from "@engram/sql";
import { boundLocks, lockTables, prepareTable } from "./prepare-table.ts";
import {
  dimsOf,
  dropPublicTriggers,
  findStanding,
  hasRows,
  isGuideShaped,
  kindOf,
  partOf,
  publicTriggers,
  relationOf,
  roleOf,
  viewOf,
  type PublicTable,
  type Standing,
} from "./tables.ts";

/**
 * Puts the live collection's table where people look for it: `public.NAME`. The one that stood there goes back to schema
 * engram in the same commit. Tables are renamed, nothing is copied. Returns what stands in the way, in one line with its
 * cure: the vectors are worked with all the same, in schema engram.
 */
export async function publishTable(
  db: Executor,
  collection: CollectionRef,
  publicTable: PublicTable,
): Promise<string | undefined> {
  const kind = await kindOf(db, relationOf(collection));
  // Dropped by hand while we run: made anew, and what it held is missing points.
  if (kind === undefined) await prepareTable(db, collection, publicTable);
  // As at every start but the first: no lock is taken.
  else if (kind === "view") return undefined;
  try {
    return await db.transaction(async (tx) => {
      await boundLocks(tx);
      await lockTables(tx);
      if ((await kindOf(tx, relationOf(collection))) !== "table") return undefined;
      const obstacle = await clearThePlace(tx, collection, publicTable);
      if (obstacle === undefined) await moveIn(tx, collection, publicTable);
      return obstacle;
    });
  } catch (error) {
    const obstacle = await explain(db, error, publicTable);
    if (obstacle === undefined) throw error;
    return obstacle;
  }
}

async function clearThePlace(
  tx: Executor,
  collection: CollectionRef,
  publicTable: PublicTable,
): Promise<string | undefined> {
  const relation = `public.${publicTable.name}`;
  const standing = await findStanding(tx, relation);
  if (standing === undefined) return undefined;
  if (!isGuideShaped(standing) && !isFormer(standing))
    return `${relation} is another program's. Set MEM0_COLLECTION_NAME to a new name`;
  if (!standing.isOwned)
    return `${relation} belongs to another role. As its owner run: ${await ownerSql(tx, relation)}`;
  if (standing.hidesRows)
    return `${relation} hides its rows from ${await roleOf(tx)} by row-level security. As its owner run: ALTER TABLE ${relation} NO FORCE ROW LEVEL SECURITY;`;
  const foreign = standing.columns["version"] === undefined ? "true" : "version IS NULL";
  if (await hasRows(tx, relation, foreign)) return foreignRows(tx, collection, { relation, standing });
  await lockPlaces(tx, collection, { relation, standing });
  if (await hasRows(tx, relation, foreign)) return foreignRows(tx, collection, { relation, standing });
  if (standing.collection === undefined) await tx.script(`DROP TABLE ${relation}`);
  else await moveOut(tx, { name: standing.collection }, publicTable);
  return undefined;
}

/**
 * Whoever was about to write there has done so, or will find the new one. In the order in which others lock: a view before
 * its table, and collections as the triggers on memories come to them.
 */
async function lockPlaces(
  tx: Executor,
  collection: CollectionRef,
  { relation, standing }: { relation: string; standing: Standing },
): Promise<void> {
  const names = standing.collection === undefined ? [] : [collection.name, standing.collection];
  const ordered = names.map((name) => ({ name, trigger: partOf({ name }, "d") }));
  ordered.sort((a, b) => (a.trigger < b.trigger ? -1 : 1));
  const relations = standing.collection === undefined ? [relation] : ordered.map(relationOf);
  await tx.script(`LOCK TABLE ${relations.join(", ")} IN ACCESS EXCLUSIVE MODE`);
}

async function foreignRows(
  tx: Executor,
  { model, dims }: CollectionRef,
  { relation, standing }: { relation: string; standing: Standing },
): Promise<string> {
  const held = isGuideShaped(standing) && standing.collection === undefined ? await dimsOf(tx, relation) : dims;
  const what =
    held === dims
      ? "holds rows that are not Engram's"
      : `holds vectors of ${held} dimensions, ${model} gives ${dims}, in rows that are not Engram's`;
  return `${relation} ${what}. Run "npm run migrate", which takes them over and names what it cannot take`;
}

/** As mem0 itself made it (pgvector, vecs or supabase): emptied, it may give place. */
function isFormer({ columns }: Standing): boolean {
  const isEmbedded = ["vector", "vec", "embedding"].some((name) => columns[name] === "vector");
  return isEmbedded && ("payload" in columns || "metadata" in columns) && "id" in columns;
}

async function moveIn(tx: Executor, collection: CollectionRef, publicTable: PublicTable): Promise<void> {
  const { name } = publicTable;
  // By way of its own name: schema engram may have a relation of the public one's.
  await tx.script(`ALTER TABLE ${relationOf(collection)} SET SCHEMA public;
    ALTER TABLE public.${collection.name} RENAME TO ${name};
    ${viewOf(collection, publicTable)};
    ${publicTriggers(publicTable)}`);
  // The guide's names, so that its SQL finds them and makes no second graph.
  for (const { name: index, column } of await indexesOf(tx, `public.${name}`)) {
    const guide = column === undefined ? undefined : GUIDE_INDEXES[column];
    if (guide !== undefined && (await kindOf(tx, `public.${guide}`)) === undefined)
      await tx.script(`ALTER INDEX public.${quoted(index)} RENAME TO ${guide}`);
  }
  await tx.query("SELECT engram.lock_out()");
}

async function moveOut(tx: Executor, collection: { readonly name: string }, publicTable: PublicTable): Promise<void> {
  const { name } = publicTable;
  // Indexes move along, and must not meet those of another table that was once here.
  const renamed = (await indexesOf(tx, `public.${name}`))
    .map(({ name: index, id }) => [index, partOf(collection, `i${id}`)] as const)
    .filter(([from, to]) => from !== to)
    .map(([from, to]) => `ALTER INDEX public.${quoted(from)} RENAME TO ${to};`);
  await tx.script(`DROP VIEW ${relationOf(collection)};
    ${dropPublicTriggers(publicTable)};
    ${renamed.join("\n")}
    ALTER TABLE public.${name} RENAME TO ${collection.name};
    ALTER TABLE public.${collection.name} SET SCHEMA engram`);
}

const GUIDE_INDEXES: Readonly<Record<string, string>> = {
  embedding: "idx_mem0_embedding",
  user_id: "idx_mem0_user_id",
};

/** Its indexes; `column` where one has a single one. */
async function indexesOf(
  tx: Executor,
  relation: string,
): Promise<readonly { readonly id: number; readonly name: string; readonly column: string | undefined }[]> {
  const rows = await tx.query<{ id: number; name: string; column: string | null }>(
    `SELECT c.oid::int8 AS id, c.relname::text AS name, a.attname::text AS column FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND i.indnatts = 1 AND a.attnum = i.indkey[0]
     WHERE i.indrelid = to_regclass($1) ORDER BY c.oid`,
    [relation],
  );
  return rows.map(({ id, name, column }) => ({ id, name, column: column ?? undefined }));
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Troubles that an operator mends, each with its cure; undefined: not one of them. */
async function explain(db: Executor, error: unknown, { name }: PublicTable): Promise<string | undefined> {
  const cause = error instanceof MemoryError ? error.cause : error;
  const detail = cause instanceof Error ? cause.message : "";
  switch (codeOf(cause)) {
    case "42501": // insufficient_privilege
      return `public.${name} cannot be made: ${detail}. As the owner of schema public run: GRANT USAGE, CREATE ON SCHEMA public TO ${await roleOf(db)};`;
    case "2BP01": // dependent_objects_still_exist
      return `public.${name} cannot be replaced: ${detail}. Drop what depends on it, or set MEM0_COLLECTION_NAME to a new name`;
    case "55P03": // lock_not_available
    case "40P01": // deadlock_detected: somebody deletes by hand
      return `public.${name} cannot be put in place while it is in use. It is tried again`;
    default:
      return undefined;
  }
}

async function ownerSql(db: Executor, relation: string): Promise<string> {
  return `ALTER TABLE ${relation} OWNER TO ${await roleOf(db)};`;
}
