import { MemoryError, parseEventId } from "@engram/memory";
import { eventJson } from "../event-json.ts";
import { defineRoute, param } from "../route.ts";

export const getEvent = defineRoute({
  method: "get",
  path: "/api/events/:id",
  summary: "What became of a call of /api/memory/add.",
  async handle({ deps, req, principal }) {
    const id = parseEventId(param(req, "id"));
    const event = id === undefined ? undefined : await deps.sockets.conversations.getEvent(principal.projectId, id);
    if (event === undefined) throw new MemoryError("not_found", "Event not found");
    return {
      status: 200,
      body: {
        ...eventJson(event),
        created_at: event.createdAt,
        started_at: event.startedAt,
        completed_at: event.completedAt,
      },
    };
  },
});
