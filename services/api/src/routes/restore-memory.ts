import { inSteps } from "@engram/memory";
import { memoryId, notFound } from "../memory-id.ts";
import { memoryJson } from "../memory-json.ts";
import { defineRoute, param } from "../route.ts";

export const restoreMemory = defineRoute({
  method: "post",
  path: "/api/memories/:id/restore",
  summary: "Undo a retirement: the memory stands again, and what took its place ends. One that stands stays as it is.",
  idempotent: true,
  async handle({ deps, req, principal, requestId, keyed }) {
    const id = memoryId(param(req, "id"));
    const actor = { requestId, name: principal.name };
    const restore = async () => {
      const memory = await deps.sockets.store.restoreMemory(principal.projectId, id, actor);
      if (memory === undefined) throw notFound();
      return memoryJson(memory);
    };
    const { result, replayed } = await deps.once(
      keyed,
      () => inSteps(deps.sockets.answers, keyed, principal.projectId, restore),
      (kept) => kept.value as ReturnType<typeof memoryJson>,
    );
    deps.metrics.writes.inc({ operation: "restore", outcome: replayed ? "replayed" : "restored" });
    deps.ring(2);
    return { status: 200, replayed, body: result };
  },
});
