import type { Executor } from "@engram/sql";
import { distinctUsers } from "./distinct-users.ts";

/** See `MemoryStore.count`. */
export async function countMemories(
  db: Executor,
  projectId: string,
): Promise<{ memories: number; users: number; messagesWaiting: number }> {
  const [row] = await db.query<{ memories: number; users: number; messages_waiting: number }>(
    `SELECT
       (SELECT count(*) FROM public.memories m WHERE m.project_id = $1::uuid AND m.valid_to IS NULL
         AND (m.expires_at IS NULL OR m.expires_at > statement_timestamp()))::float8 AS memories,
       (SELECT count(*) FROM (${distinctUsers("public.memories", "m.project_id = $1::uuid")}) u)::float8 AS users,
       (SELECT count(*) FROM engram.messages m WHERE m.project_id = $1::uuid AND m.extracted_at IS NULL AND m.failed_at IS NULL)::float8 AS messages_waiting`,
    [projectId],
  );
  return { memories: row?.memories ?? 0, users: row?.users ?? 0, messagesWaiting: row?.messages_waiting ?? 0 };
}
