import { memoryId, notFound } from "../memory-id.ts";
import { versionJson } from "../memory-json.ts";
import { defineRoute, param } from "../route.ts";

export const getHistory = defineRoute({
  method: "get",
  path: "/api/memories/:id/history",
  summary: "Every version of a memory, newest first.",
  async handle({ deps, req, principal }) {
    const history = await deps.sockets.store.getHistory(principal.projectId, memoryId(param(req, "id")));
    if (history === undefined) throw notFound();
    return { status: 200, body: { history: history.map(versionJson) } };
  },
});
