import { assertStorable, type MemoryFilter } from "@engram/memory";
import { z } from "zod";
import { fields } from "./fields.ts";

/** The filters that listing and deleting by user share. */
export const userFilters = z.object({
  type: fields.type.optional(),
  level: fields.level.optional(),
  session_id: fields.session_id.optional(),
  agent_id: fields.agent_id.optional(),
  key: fields.key.optional(),
  created_after: fields.created_after.optional(),
  created_before: fields.created_before.optional(),
});

/** Plain filters over one user's memories. */
export function userFilter(projectId: string, userId: string, input: z.output<typeof userFilters>): MemoryFilter {
  assertStorable(userId, "user_id");
  return {
    scope: {
      projectId,
      userId,
      exact: true,
      ...(input.session_id === undefined ? {} : { sessionId: input.session_id }),
      ...(input.agent_id === undefined ? {} : { agentId: input.agent_id }),
      ...(input.level === undefined ? {} : { level: input.level }),
    },
    ...(input.type === undefined ? {} : { types: [input.type] }),
    ...(input.key === undefined ? {} : { key: input.key }),
    ...(input.created_after === undefined ? {} : { createdAfter: input.created_after }),
    ...(input.created_before === undefined ? {} : { createdBefore: input.created_before }),
  };
}
