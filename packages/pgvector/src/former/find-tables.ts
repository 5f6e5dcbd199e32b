import type { Executor } from "@engram/sql";
import { MemoryError } from "@engram/memory";
import { findStanding, identifier, isGuideShaped, roleOf, type Standing } from "../tables.ts";

/** A table that a former mem0 filled, or its user's own code. */
export interface FormerTable {
  /** As SQL names it. */
  readonly relation: string;
  /** What each row gives, as `FormerRow` has it. */
  readonly columns: string;
  readonly idType: "uuid" | "text";
  readonly vectorColumn: string;
  readonly dims: number;
  /** The rows that are not Engram's. */
  readonly condition: string;
  /** True: row-level security hides rows from this role, and nobody could tell how many. */
  readonly isHidden: boolean;
  readonly isOwned: boolean;
}

/**
 * Where rows of a former mem0 may stand under a name: the guide's table; `public.NAME(id, vector, payload)` of mem0's
 * pgvector store; `public.NAME(id, embedding, metadata)` of its TypeScript Supabase store; `vecs.NAME(id, vec, metadata)` of
 * its Python one. Other tables are nobody's to touch.
 */
export async function findFormerTables(db: Executor, name: string): Promise<readonly FormerTable[]> {
  const tables: FormerTable[] = [];
  for (const schema of ["public", "vecs"]) {
    const relation = `${schema}.${identifier(name)}`;
    if (!(await isWithinReach(db, schema, name))) continue;
    const standing = await findStanding(db, relation);
    const shape = standing === undefined ? undefined : shapeOf(standing);
    if (standing === undefined || shape === undefined) continue;
    const [row] = await db.query<{ dims: number }>(
      "SELECT atttypmod AS dims FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2",
      [relation, shape.vectorColumn],
    );
    tables.push({
      relation,
      ...shape,
      idType: standing.columns["id"] === "uuid" ? "uuid" : "text",
      dims: row?.dims ?? 0,
      condition: standing.columns["version"] === undefined ? "true" : "f.version IS NULL",
      isHidden: standing.hidesRows,
      isOwned: standing.isOwned,
    });
  }
  return tables;
}

/** False: there is no such table. A name in a schema that the role may not use cannot even be asked for. */
async function isWithinReach(db: Executor, schema: string, name: string): Promise<boolean> {
  const [row] = await db.query<{ usable: boolean }>(
    `SELECT has_schema_privilege(n.oid, 'USAGE') AS usable FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')`,
    [schema, name],
  );
  if (row?.usable === false)
    throw new MemoryError(
      "unavailable",
      `The rows of a former mem0 in ${schema}.${name} cannot be taken over: permission denied for schema ${schema}. As its owner run: GRANT USAGE ON SCHEMA ${schema} TO ${await roleOf(db)}; ALTER TABLE ${schema}.${name} OWNER TO ${await roleOf(db)};`,
    );
  return row !== undefined;
}

function shapeOf(standing: Standing): Pick<FormerTable, "columns" | "vectorColumn"> | undefined {
  const { columns } = standing;
  if (isGuideShaped(standing))
    return {
      columns: "f.id::text AS id, f.user_id, f.memory, f.created_at, f.updated_at, f.metadata AS details",
      vectorColumn: "embedding",
    };
  const vectorColumn = ["vector", "vec", "embedding"].find((name) => columns[name] === "vector");
  const details = ["payload", "metadata"].find((name) => columns[name] === "jsonb");
  if (vectorColumn === undefined || details === undefined || !("id" in columns)) return undefined;
  const times = ["created_at", "updated_at"].filter((name) => columns[name] === "timestamptz");
  return {
    columns: ["f.id::text AS id", `f.${details} AS details`, ...times.map((name) => `f.${name}`)].join(", "),
    vectorColumn,
  };
}
