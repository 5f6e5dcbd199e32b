import type { CollectionState, ScannedPoint } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { dimsOf } from "./tables.ts";

interface PointRow extends Record<string, unknown> {
  readonly id: string;
  readonly version: number;
  readonly hash: string;
}

/** A page of a table's points, by its primary key. */
export async function scanTable(
  db: Executor,
  table: string,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<readonly ScannedPoint[]> {
  return db.query<PointRow>(
    `SELECT id, version, fingerprint AS hash FROM ${table} WHERE $1::uuid IS NULL OR id > $1::uuid ORDER BY id LIMIT $2::int`,
    [after ?? null, limit],
  );
}

/** Its versions need no look: the table goes back in time with the rows, whatever is restored. */
export async function inspectTable(db: Executor, table: string): Promise<CollectionState | undefined> {
  const dims = await dimsOf(db, table);
  return dims === undefined ? undefined : { dims, greatestVersion: undefined };
}
