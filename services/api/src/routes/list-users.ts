import { z } from "zod";
import { fields, LIMIT_DEFAULT, parse } from "../fields.ts";
import { withWarnings } from "../memory-json.ts";
import { defineRoute } from "../route.ts";

const query = z.object({ limit: fields.limit.optional(), cursor: fields.cursor.optional() });

export const listUsers = defineRoute({
  method: "get",
  path: "/api/users",
  summary: "Everybody of whom something is kept, page by page in the order of their ids.",
  query,
  async handle({ deps, req, principal }) {
    const { input, warnings } = parse(query, req.query);
    const limit = input.limit ?? LIMIT_DEFAULT;
    const page = await deps.sockets.users.list({
      projectId: principal.projectId,
      limit,
      ...(input.cursor === undefined ? {} : { cursor: input.cursor }),
    });
    return {
      status: 200,
      body: {
        users: page.users.map((user) => ({
          user_id: user.userId,
          memories: user.memories,
          hidden: user.hidden,
          last_memory_at: user.lastMemoryAt,
        })),
        total: page.total,
        limit,
        next_cursor: page.nextCursor,
        ...withWarnings(warnings),
      },
    };
  },
});
