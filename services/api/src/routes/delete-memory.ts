import { memoryId, notFound } from "../memory-id.ts";
import { defineRoute, param } from "../route.ts";

export const deleteMemory = defineRoute({
  method: "delete",
  path: "/api/memories/:id",
  summary: "Delete a memory for good.",
  async handle({ deps, req, principal, requestId }) {
    const deleted = await deps.sockets.store.deleteMemory(principal.projectId, memoryId(param(req, "id")), {
      requestId,
      name: principal.name,
    });
    if (!deleted) throw notFound();
    deps.metrics.writes.inc({ operation: "delete", outcome: "deleted" });
    deps.ring(1);
    // The guide's own words; English where the client asks for it.
    const english = req.acceptsLanguages("ru", "en") === "en";
    return {
      status: 200,
      body: { success: true, message: english ? "Memory deleted successfully" : "Воспоминание успешно удалено" },
    };
  },
});
