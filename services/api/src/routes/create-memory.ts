import type { KeptResult, PutResult } from "@engram/memory";
import { admitWrite } from "../admit-write.ts";
import { fields, parse } from "../fields.ts";
import { memoryJson, withWarnings } from "../memory-json.ts";
import { defineRoute } from "../route.ts";
import { newMemory, toDraft } from "../to-draft.ts";
import { settleIndexed } from "../wait-until-indexed.ts";

const body = newMemory.extend({ wait: fields.wait.optional() });

export const createMemory = defineRoute({
  method: "post",
  path: "/api/memories",
  summary: "Remember one statement. 201: new; 200 with duplicate: true: it was known.",
  body,
  idempotent: true,
  async handle({ deps, req, principal, requestId, keyed }) {
    const { input, warnings } = parse(body, req.body);
    const draft = { ...toDraft(input, { projectId: principal.projectId, requestId }), keyed };
    const write = (): Promise<Put> => {
      admitWrite(deps, "single", 1);
      return deps.puts.put(draft);
    };
    const { result, replayed } = await deps.once<Put>(keyed, write, toPut);
    const { memory, created } = result;
    deps.metrics.writes.inc({ operation: "create", outcome: replayed ? "replayed" : created ? "created" : "merged" });
    if (memory.indexStatus === "pending") deps.ring(1);
    const indexed = await settleIndexed(deps, result, input.wait ?? 0, keyed);
    return {
      status: created ? 201 : 200,
      replayed,
      body: { ...memoryJson(indexed), ...(created ? {} : { duplicate: true }), ...withWarnings(warnings) },
    };
  },
});

type Put = PutResult & { readonly settled?: boolean };

function toPut({ memory, created, settled }: KeptResult): Put {
  if (memory === undefined) throw new Error("the answer of a put that is kept has no memory");
  return { memory, created: created === true, settled };
}
