import type { ApiDeps } from "./app.ts";
import type { WriteKind } from "./backlog.ts";

/** Throws `rate_limited` while too much waits to be indexed; before anything of the write is done. */
export function admitWrite({ backlog, metrics }: ApiDeps, kind: WriteKind, writes: number): void {
  try {
    backlog.admit(kind, writes);
  } catch (error) {
    metrics.writes.inc({ operation: kind === "bulk" ? "bulk" : "create", outcome: "refused" }, writes);
    throw error;
  }
}

/** An update that makes a memory longer counts as a single write; one that shortens it is never refused. */
export async function admitUpdate(
  { backlog, metrics, sockets }: ApiDeps,
  { projectId, id, content }: { projectId: string; id: string; content: string | undefined },
): Promise<void> {
  if (content === undefined || !backlog.isPast("single")) return;
  const memory = await sockets.store.getMemory(projectId, id);
  if (memory === undefined || Buffer.byteLength(content) <= Buffer.byteLength(memory.content)) return;
  metrics.writes.inc({ operation: "update", outcome: "refused" });
  throw backlog.refusal("single");
}
