import { assertStorable } from "@engram/memory";
import { z } from "zod";
import { fields, parse } from "../fields.ts";
import { listPage, pageFields } from "../list-page.ts";
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
  ...pageFields,
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
    const filter = {
      scope: {
        projectId: principal.projectId,
        agentId,
        level: "agent" as const,
        exact: true,
        ...(input.user_id === undefined ? {} : { userId: input.user_id }),
        ...(input.session_id === undefined ? {} : { sessionId: input.session_id }),
      },
      ...(input.type === undefined ? {} : { types: [input.type] }),
      ...(input.key === undefined ? {} : { key: input.key }),
      ...(input.created_after === undefined ? {} : { createdAfter: input.created_after }),
      ...(input.created_before === undefined ? {} : { createdBefore: input.created_before }),
    };
    return listPage(deps.sockets.store, filter, input, warnings);
  },
});
