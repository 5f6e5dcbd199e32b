import { memoryId, notFound } from "../memory-id.ts";
import { memoryJson } from "../memory-json.ts";
import { defineRoute, param } from "../route.ts";

export const getMemory = defineRoute({
  method: "get",
  path: "/api/memories/:id",
  summary: "One memory.",
  async handle({ deps, req, principal }) {
    const memory = await deps.sockets.store.getMemory(principal.projectId, memoryId(param(req, "id")));
    if (memory === undefined) throw notFound();
    return { status: 200, body: memoryJson(memory) };
  },
});
