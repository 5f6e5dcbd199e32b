import { SORTS } from "@engram/memory";
import { z } from "zod";
import { fields, LIMIT_DEFAULT, parse } from "../fields.ts";
import { memoryJson, withWarnings } from "../memory-json.ts";
import { defineRoute, param } from "../route.ts";
import { userFilter, userFilters } from "../user-filter.ts";

const query = userFilters.extend({
  as_of: fields.as_of.optional(),
  limit: fields.limit.optional(),
  offset: fields.offset.optional(),
  cursor: fields.cursor.optional(),
  sort: z.enum(SORTS).optional().meta({ description: "`-created_at` unless told otherwise." }),
});

export const listUserMemories = defineRoute({
  method: "get",
  path: "/api/memories/user/:user_id",
  summary: "A user's memories, page by page.",
  query,
  async handle({ deps, req, principal }) {
    const { input, warnings } = parse(query, req.query);
    const limit = input.limit ?? LIMIT_DEFAULT;
    const offset = input.offset ?? 0;
    const page = await deps.sockets.store.listMemories({
      filter: {
        ...userFilter(principal.projectId, param(req, "user_id"), input),
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
