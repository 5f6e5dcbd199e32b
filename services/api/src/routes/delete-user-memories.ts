import { MemoryError } from "@engram/memory";
import { parse } from "../fields.ts";
import { defineRoute, param } from "../route.ts";
import { userFilter, userFilters } from "../user-filter.ts";

export const deleteUserMemories = defineRoute({
  method: "delete",
  path: "/api/memories/user/:user_id",
  summary: "Delete a user's memories, all or those that the filters let through.",
  query: userFilters,
  idempotent: true,
  async handle({ deps, req, principal, requestId, keyed }) {
    const { input, warnings } = parse(userFilters, req.query);
    // A filter with a typing error would delete everything: here an unknown field is no trifle.
    if (warnings.length > 0)
      throw new MemoryError("invalid", `${warnings[0]}. Nothing was deleted`, {
        details: warnings.map((message) => ({ message })),
      });
    const filter = { ...userFilter(principal.projectId, param(req, "user_id"), input), includeHidden: true };
    const actor = { requestId, name: principal.name };
    const { result: deleted, replayed } = await deps.once(
      keyed,
      () => deps.sockets.store.deleteMemories(filter, actor, keyed),
      (kept) => kept.deleted ?? 0,
    );
    if (replayed) deps.metrics.writes.inc({ operation: "delete", outcome: "replayed" });
    else deps.metrics.writes.inc({ operation: "delete", outcome: "deleted" }, deleted);
    if (deleted > 0) deps.ring(deleted);
    return { status: 200, body: { success: true, deleted }, replayed };
  },
});
