import { memoryId, notFound } from "../memory-id.ts";
import { defineRoute, param } from "../route.ts";

export const deleteMemory = defineRoute({
  method: "delete",
  path: "/api/memories/:id",
  summary: "Delete a memory for good.",
  idempotent: true,
  async handle({ deps, req, principal, requestId, keyed }) {
    const id = memoryId(param(req, "id"));
    const actor = { requestId, name: principal.name };
    const remove = async (): Promise<void> => {
      if (!(await deps.sockets.store.deleteMemory(principal.projectId, id, actor, keyed))) throw notFound();
    };
    const { replayed } = await deps.once(keyed, remove, () => undefined);
    deps.metrics.writes.inc({ operation: "delete", outcome: replayed ? "replayed" : "deleted" });
    deps.ring(1);
    // The guide's own words; English where the client asks for it.
    const english = req.acceptsLanguages("ru", "en") === "en";
    return {
      status: 200,
      replayed,
      body: { success: true, message: english ? "Memory deleted successfully" : "Воспоминание успешно удалено" },
    };
  },
});
