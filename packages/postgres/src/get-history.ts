import type { HistoryEvent, MemoryVersion } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { MEMORY_COLUMNS, parseMemoryRow, toMemory, type MemoryJson, type MemoryRow } from "./rows.ts";

/** A line of engram.history: `event`, `actor`, `request_id`, `at` say what ended the version that `snapshot` shows. */
interface HistoryRow extends Record<string, unknown> {
  readonly event: Exclude<HistoryEvent, "created">;
  readonly actor: string | null;
  readonly request_id: string | null;
  readonly at: Date;
  readonly snapshot: MemoryJson;
}

/**
 * Every version, newest first: the row itself, then the snapshots. What ended one version made the next, so each takes
 * its event from the line before it in time; the first was created.
 */
export async function getHistory(
  db: Executor,
  projectId: string,
  id: string,
): Promise<readonly MemoryVersion[] | undefined> {
  const [current] = await db.query<MemoryRow & { request_id: string | null }>(
    `SELECT ${MEMORY_COLUMNS}, m.request_id FROM public.memories m
     WHERE m.id = $1::uuid AND m.project_id = $2::uuid AND (m.expires_at IS NULL OR m.expires_at > statement_timestamp())`,
    [id, projectId],
  );
  if (current === undefined) return undefined;
  const lines = await db.query<HistoryRow>(
    "SELECT event, actor, request_id, at, snapshot FROM engram.history WHERE memory_id = $1::uuid AND snapshot IS NOT NULL ORDER BY version DESC",
    [id],
  );
  const memories = [toMemory(current), ...lines.map((line) => toMemory(parseMemoryRow(line.snapshot)))];
  return memories.map((memory, i) => {
    const made = lines[i];
    const { indexStatus: _indexStatus, ...version } = memory;
    return made === undefined
      ? {
          version: memory.version,
          event: "created",
          actor: null,
          requestId: firstRequestId(current, lines),
          at: memory.createdAt,
          memory: version,
        }
      : {
          version: memory.version,
          event: made.event,
          actor: made.actor,
          requestId: made.request_id,
          at: made.at,
          memory: version,
        };
  });
}

/** The request that created it, from the oldest snapshot or from the row that was never changed. */
function firstRequestId(current: { request_id: string | null }, lines: readonly HistoryRow[]): string | null {
  const oldest: unknown = lines.length === 0 ? current.request_id : lines.at(-1)?.snapshot["request_id"];
  return typeof oldest === "string" ? oldest : null;
}
