import { parse } from "../fields.ts";
import { listPage, pageFields } from "../list-page.ts";
import { defineRoute, param } from "../route.ts";
import { userFilter, userFilters } from "../user-filter.ts";

const query = userFilters.extend(pageFields);

export const listUserMemories = defineRoute({
  method: "get",
  path: "/api/memories/user/:user_id",
  summary: "A user's memories, page by page.",
  query,
  async handle({ deps, req, principal }) {
    const { input, warnings } = parse(query, req.query);
    const filter = userFilter(principal.projectId, param(req, "user_id"), input);
    return listPage(deps.sockets.store, filter, input, warnings);
  },
});
