import { MemoryError, type ListQuery, type MemoryPage, type Sort } from "@engram/memory";
import { filterSql, Values, type Executor } from "@engram/sql";
import { INDEX_STATUS, MEMORY_COLUMNS, toMemory, type MemoryRow } from "./rows.ts";

/** Of each sort, what it orders by (over the alias `m`), its type for the cursor, and which way. Ties go by id, the same way. */
const ORDERS = {
  created_at: { by: "m.created_at", type: "timestamptz", direction: "ASC" },
  "-created_at": { by: "m.created_at", type: "timestamptz", direction: "DESC" },
  importance: { by: "coalesce(m.importance, 0.5)", type: "real", direction: "DESC" },
  updated_at: { by: "m.updated_at", type: "timestamptz", direction: "DESC" },
} as const satisfies Record<Sort, { by: string; type: string; direction: "ASC" | "DESC" }>;

interface ListRow extends MemoryRow {
  readonly total: number;
  readonly position: string;
}

/** One page and the total of what matches, in one statement. */
export async function listMemories(db: Executor, query: ListQuery): Promise<MemoryPage> {
  const values = new Values();
  const condition = filterSql(query.filter, values);
  const order = ORDERS[query.sort];
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor, query.sort);
  const comparison = order.direction === "ASC" ? ">" : "<";
  const page =
    after === undefined
      ? `OFFSET ${values.add(query.offset)}::bigint`
      : `-- the cursor's position takes the place of the offset`;
  const beyond =
    after === undefined
      ? ""
      : `AND (${order.by}, m.id) ${comparison} (${values.add(after.position)}::${order.type}, ${values.add(after.id)}::uuid)`;

  // The total stands beside every row, and alone where the page is empty: a LEFT JOIN keeps it.
  const rows = await db.query<Partial<ListRow> & { total: number }>(
    `WITH page AS (
       SELECT ${MEMORY_COLUMNS}, ${INDEX_STATUS}, (${order.by})::text AS position, row_number() OVER () AS n
       FROM (SELECT * FROM public.memories m WHERE ${condition} ${beyond}
             ORDER BY ${order.by} ${order.direction}, m.id ${order.direction} LIMIT ${values.add(query.limit + 1)}::int ${page}
       ) m)
     SELECT t.total, page.* FROM (SELECT count(*)::int AS total FROM public.memories m WHERE ${condition}) t LEFT JOIN page ON true ORDER BY page.n`,
    values.list,
  );
  const found = rows.filter((row): row is ListRow => row.id !== undefined && row.id !== null);
  const memories = found.slice(0, query.limit);
  const last = memories.at(-1);
  return {
    memories: memories.map(toMemory),
    total: rows[0]?.total ?? 0,
    nextCursor: found.length > query.limit && last !== undefined ? encodeCursor(query.sort, last) : null,
  };
}

/** Opaque to clients, versioned for us: [version, sort, position, id]. */
const CURSOR_VERSION = 1;

function encodeCursor(sort: Sort, row: ListRow): string {
  return Buffer.from(JSON.stringify([CURSOR_VERSION, sort, row.position, row.id])).toString("base64url");
}

function decodeCursor(cursor: string, sort: Sort): { position: string; id: string } {
  const parts: unknown = parseJson(Buffer.from(cursor, "base64url").toString());
  if (Array.isArray(parts) && parts[0] === CURSOR_VERSION && parts[1] === sort) {
    const [, , position, id] = parts as unknown[];
    if (
      typeof position === "string" &&
      typeof id === "string" &&
      isPosition(position, sort) &&
      /^[0-9a-f-]{36}$/.test(id)
    )
      return { position, id };
  }
  const message = "cursor is not one of ours, or belongs to another sort";
  throw new MemoryError("invalid", message, { details: [{ field: "cursor", message }] });
}

function isPosition(position: string, sort: Sort): boolean {
  return ORDERS[sort].type === "real"
    ? Number.isFinite(Number(position))
    : !Number.isNaN(Date.parse(position.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00")));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
