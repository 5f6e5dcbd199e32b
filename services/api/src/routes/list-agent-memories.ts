import { assertStorable, SORTS } from "@engram/memory";
import { z } from "zod";
import { fields, LIMIT_DEFAULT, parse } from "../fields.ts";
import { memoryJson, withWarnings } from "../memory-json.ts";
import { defineRoute, param } from "../route.ts";

const query = z.object({
  user_id: fields.user_id
    .optional()
    .meta({ description: "Of this user with the agent; else of all, and the shared ones." }),
  type: fields.type.optional(),
  session_id: fields.session_id.optional(),
  key: fields.key.optional(),
  created_after: fields.created_after.optional(),
  created_before: fields.created_before.optional(),
  as_of: fields.as_of.optional(),
  limit: fields.limit.optional(),
  offset: fields.offset.optional(),
  cursor: fields.cursor.optional(),
  sort: z.enum(SORTS).optional().meta({ description: "`-created_at` unless told otherwise." }),
});

export const listAgentMemories = defineRoute({
  method: "get",
  path: "/api/agents/:agent_id/memories",
  summary: "An agent's own memories (level `agent`), page by page.",
  query,
  async handle({ deps, req, principal }) {
    const { input, warnings } = parse(query, req.query);
    const agentId = param(req, "agent_id");
    assertStorable(agentId, "agent_id");
    const limit = input.limit ?? LIMIT_DEFAULT;
    const offset = input.offset ?? 0;
    const page = await deps.sockets.store.listMemories({
      filter: {
        scope: {
          projectId: principal.projectId,
          agentId,
          level: "agent",
          exact: true,
          ...(input.user_id === undefined ? {} : { userId: input.user_id }),
          ...(input.session_id === undefined ? {} : { sessionId: input.session_id }),
        },
        ...(input.type === undefined ? {} : { types: [input.type] }),
        ...(input.key === undefined ? {} : { key: input.key }),
        ...(input.created_after === undefined ? {} : { createdAfter: input.created_after }),
        ...(input.created_before === undefined ? {} : { createdBefore: input.created_before }),
        ...(input.as_of === undefined ? {} : { asOf: input.as_of }),
      },
      sort: input.sort ?? "-created_at",
      limit,
      offset,
      ...(input.cursor === undefined ? {} : { cursor: input.cursor }),
    });
    return {
      status: 200,
      body: {
        memories: page.memories.map(memoryJson),
        total: page.total,
        limit,
        offset,
        next_cursor: page.nextCursor,
        ...withWarnings(warnings),
      },
    };
  },
});
