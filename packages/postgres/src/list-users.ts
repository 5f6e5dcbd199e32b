import { MemoryError, type UserPage, type Users } from "@engram/memory";
import { Values, type Executor } from "@engram/sql";
import { distinctUsers } from "./distinct-users.ts";

interface UserRow extends Record<string, unknown> {
  readonly user_id: string;
  readonly memories: number;
  readonly hidden: number;
  readonly last_memory_at: Date;
}

/** One page of the users of a project, and how many there are. */
export async function listUsers(db: Executor, query: Parameters<Users["list"]>[0]): Promise<UserPage> {
  const values = new Values();
  const ofProject = `m.project_id = ${values.add(query.projectId)}::uuid`;
  const options = {
    limit: `${values.add(query.limit + 1)}::int`,
    ...(query.cursor === undefined ? {} : { after: values.add(decodeCursor(query.cursor)) }),
  };
  const rows = await db.query<UserRow>(
    `SELECT page.user_id, kept.* FROM (${distinctUsers("public.memories", ofProject, options)}) page CROSS JOIN LATERAL (
       SELECT (count(*) FILTER (WHERE live))::int AS memories, (count(*) FILTER (WHERE NOT live))::int AS hidden, max(created_at) AS last_memory_at
       FROM (SELECT created_at, valid_to IS NULL AND (expires_at IS NULL OR expires_at > statement_timestamp()) AS live
             FROM public.memories m WHERE ${ofProject} AND m.user_id = page.user_id) m) kept
     ORDER BY page.user_id`,
    values.list,
  );
  const [users] = await db.query<{ total: number }>(
    `SELECT count(*)::int AS total FROM (${distinctUsers("public.memories", "m.project_id = $1::uuid")}) users`,
    [query.projectId],
  );
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  return {
    users: page.map((row) => ({
      userId: row.user_id,
      memories: row.memories,
      hidden: row.hidden,
      lastMemoryAt: row.last_memory_at,
    })),
    total: users?.total ?? 0,
    nextCursor: rows.length > query.limit && last !== undefined ? encodeCursor(last.user_id) : null,
  };
}

/** Opaque to clients, versioned for us: [version, what it lists, user id]. */
const CURSOR_VERSION = 1;

function encodeCursor(userId: string): string {
  return Buffer.from(JSON.stringify([CURSOR_VERSION, "users", userId])).toString("base64url");
}

function decodeCursor(cursor: string): string {
  const parts: unknown = parseJson(Buffer.from(cursor, "base64url").toString());
  if (Array.isArray(parts) && parts[0] === CURSOR_VERSION && parts[1] === "users") {
    const userId: unknown = parts[2];
    if (typeof userId === "string" && !userId.includes("\0") && userId.isWellFormed()) return userId;
  }
  const message = "cursor is not one of ours, or belongs to another list";
  throw new MemoryError("invalid", message, { details: [{ field: "cursor", message }] });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
