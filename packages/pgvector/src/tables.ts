import { createHash } from "node:crypto";
import { MemoryError, type CollectionRef } from "@engram/memory";
import type { Executor } from "@engram/sql";

/*
 * Every statement of the adapter names a collection's own relation, `engram.NAME__model__dims`: a table, or, where its rows
 * stand in the public table, a view of that. So no process can mistake one model's vectors for another's, whichever of them
 * stands in public at the moment: a name is resolved under the lock that the exchange takes.
 */

/** The table that people read; undefined where nobody can (an embedded database). */
export interface PublicTable {
  readonly name: string;
}

/** Becomes SQL text, so it is checked, wherever it comes from. */
export function identifier(name: string): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) throw new MemoryError("invalid", `${name} is no valid collection name`);
  return name;
}

/** Of the relation that all statements about a collection name. */
export function relationOf(collection: Pick<CollectionRef, "name">): string {
  return `engram.${identifier(collection.name)}`;
}

/** PostgreSQL cuts an identifier here, and two that are equal so far become one. */
const IDENTIFIER_LENGTH_MAX = 63;
const DIGEST_LENGTH = 8;

/** The name of an index, trigger or function that belongs to a collection. */
export function partOf(collection: Pick<CollectionRef, "name">, part: string): string {
  const name = `${identifier(collection.name)}_${part}`;
  if (name.length <= IDENTIFIER_LENGTH_MAX) return name;
  const tail = `_${createHash("sha256").update(name).digest("hex").slice(0, DIGEST_LENGTH)}_${part}`;
  return name.slice(0, IDENTIFIER_LENGTH_MAX - tail.length) + tail;
}

/** An index of pgvector takes no longer ones (github.com/pgvector/pgvector, "HNSW"). */
export const HNSW_DIMS_MAX = 2_000;

/** The guide's table and what the adapter needs besides: the version, the text's hash, the owner. Foreign rows have no version. */
export function columnsOf(dims: number): string {
  return `id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id text NOT NULL, memory text NOT NULL, hash text UNIQUE NOT NULL,
    embedding vector(${dims}), metadata jsonb DEFAULT '{}', created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(),
    version bigint, fingerprint text, tenant uuid`;
}

/** A view that statements may write through; rows that are not ours are not in it. */
export function viewOf(collection: CollectionRef, { name }: PublicTable): string {
  return `CREATE VIEW ${relationOf(collection)} AS SELECT id, user_id, memory, hash, embedding, metadata, created_at, updated_at, version, fingerprint, tenant
    FROM public.${identifier(name)} WHERE version IS NOT NULL`;
}

/** In public a row that is deleted is a deleted memory. */
export function publicTriggers({ name }: PublicTable): string {
  return `CREATE OR REPLACE TRIGGER engram_deleted AFTER DELETE ON public.${name} REFERENCING OLD TABLE AS gone
      FOR EACH STATEMENT EXECUTE FUNCTION engram.vectors_deleted();
    CREATE OR REPLACE TRIGGER engram_truncated AFTER TRUNCATE ON public.${name} FOR EACH STATEMENT EXECUTE FUNCTION engram.vectors_truncated();`;
}

/** A row that goes is then no more than a row. */
export function dropPublicTriggers({ name }: PublicTable): string {
  return `DROP TRIGGER IF EXISTS engram_deleted ON public.${name}; DROP TRIGGER IF EXISTS engram_truncated ON public.${name}`;
}

export type Kind = "table" | "view";

/** Undefined: there is no such relation. */
export async function kindOf(db: Executor, relation: string): Promise<Kind | undefined> {
  const [row] = await db.query<{ kind: string }>("SELECT relkind AS kind FROM pg_class WHERE oid = to_regclass($1)", [
    relation,
  ]);
  return row === undefined ? undefined : row.kind === "v" ? "view" : "table";
}

export async function dimsOf(db: Executor, relation: string): Promise<number | undefined> {
  const [column] = await db.query<{ dims: number }>(
    "SELECT atttypmod AS dims FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = 'embedding'",
    [relation],
  );
  return column?.dims;
}

/** What stands in public under the configured name. */
export interface Standing {
  /** `type` of each column. */
  readonly columns: Readonly<Record<string, string>>;
  readonly isOwned: boolean;
  /** True: row-level security keeps rows from this role, and nobody could tell how many. */
  readonly hidesRows: boolean;
  /** The collection whose rows it holds. */
  readonly collection: string | undefined;
}

const STANDING = `SELECT pg_has_role(c.relowner, 'USAGE') AS owned, row_security_active(c.oid) AS hides_rows,
  (SELECT json_object_agg(a.attname, t.typname) FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
  (SELECT v.relname::text FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
      AND v.relkind = 'v' AND v.relnamespace = to_regnamespace('engram') LIMIT 1) AS collection
FROM pg_class c WHERE c.oid = to_regclass($1)`;

/** Undefined: the name is free. */
export async function findStanding(db: Executor, relation: string): Promise<Standing | undefined> {
  const [row] = await db.query<{
    owned: boolean;
    hides_rows: boolean;
    columns: Record<string, string> | null;
    collection: string | null;
  }>(STANDING, [relation]);
  if (row === undefined) return undefined;
  return {
    columns: row.columns ?? {},
    isOwned: row.owned,
    hidesRows: row.hides_rows,
    collection: row.collection ?? undefined,
  };
}

const GUIDE_COLUMNS = Object.entries({
  id: "uuid",
  user_id: "text",
  memory: "text",
  hash: "text",
  embedding: "vector",
  metadata: "jsonb",
  created_at: "timestamptz",
  updated_at: "timestamptz",
});

export function isGuideShaped({ columns }: Standing): boolean {
  return GUIDE_COLUMNS.every(([name, type]) => columns[name] === type);
}

export async function hasRows(db: Executor, relation: string, condition = "true"): Promise<boolean> {
  const rows = await db.query(`SELECT 1 AS one FROM ${relation} WHERE ${condition} LIMIT 1`);
  return rows.length > 0;
}

/** The role that is connected, as SQL writes it. */
export async function roleOf(db: Executor): Promise<string> {
  const [row] = await db.query<{ role: string }>("SELECT quote_ident(current_user) AS role");
  return row?.role ?? "engram_app";
}
