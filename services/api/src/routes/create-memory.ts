import { fields, parse } from "../fields.ts";
import { memoryJson, withWarnings } from "../memory-json.ts";
import { defineRoute } from "../route.ts";
import { newMemory, toDraft } from "../to-draft.ts";
import { waitUntilIndexed } from "../wait-until-indexed.ts";

const body = newMemory.extend({ wait: fields.wait.optional() });

export const createMemory = defineRoute({
  method: "post",
  path: "/api/memories",
  summary: "Remember one statement. 201: new; 200 with duplicate: true: it was known.",
  body,
  async handle({ deps, req, principal, requestId }) {
    const { input, warnings } = parse(body, req.body);
    const { memory, created } = await deps.puts.put(toDraft(input, { projectId: principal.projectId, requestId }));
    deps.metrics.writes.inc({ operation: "create", outcome: created ? "created" : "merged" });
    if (memory.indexStatus === "pending") deps.ring(1);
    const indexed = await waitUntilIndexed(deps, memory, input.wait ?? 0);
    return {
      status: created ? 201 : 200,
      body: { ...memoryJson(indexed), ...(created ? {} : { duplicate: true }), ...withWarnings(warnings) },
    };
  },
});
