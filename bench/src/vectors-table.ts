import type pg from "pg";

/** The one table of vectors of a database, with its schema. Throws where there is none, or more than one. */
export async function findVectorsTable(db: pg.Client): Promise<string> {
  const { rows } = await db.query<{ name: string }>(
    "SELECT attrelid::regclass::text AS name FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE attname = 'embedding' AND c.relkind = 'r'",
  );
  const [table] = rows;
  if (table === undefined || rows.length > 1) throw new Error(`expected one table of vectors, found ${rows.length}`);
  return table.name;
}
