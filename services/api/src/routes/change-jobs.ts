import { inSteps, MemoryError, type WorkId } from "@engram/memory";
import { z } from "zod";
import { fields, parse } from "../fields.ts";
import { jobId } from "../job-id.ts";
import { withWarnings } from "../memory-json.ts";
import { defineRoute, type RouteContext } from "../route.ts";

const IDS_MAX = 1000;

const body = z.object({
  ids: z.array(z.string()).min(1).max(IDS_MAX).optional().meta({ description: "Ids of GET /api/jobs." }),
  all: fields.strict.optional().meta({ description: "true: all that is parked.", type: "boolean" }),
});

export const retryJobs = defineRoute({
  method: "post",
  path: "/api/jobs/retry",
  summary: "Try parked work again.",
  body,
  idempotent: true,
  async handle(context) {
    const { ids, warnings } = chosenOf(context);
    const { result: retried, replayed } = await change(context, () => context.deps.sockets.parked.retry(ids));
    if (retried > 0) context.deps.ring(retried);
    return { status: 200, body: { retried, ...withWarnings(warnings) }, replayed };
  },
});

export const discardJobs = defineRoute({
  method: "post",
  path: "/api/jobs/discard",
  summary:
    "Give parked work up: out of list and count, its memory stays findable by words, and `failed` until it changes.",
  body,
  idempotent: true,
  async handle(context) {
    const { ids, warnings } = chosenOf(context);
    const { result: discarded, replayed } = await change(context, () => context.deps.sockets.parked.discard(ids));
    return { status: 200, body: { discarded, ...withWarnings(warnings) }, replayed };
  },
});

/** Safe to run again: what was retried or discarded is parked no longer. */
function change({ deps, keyed, principal }: RouteContext, run: () => Promise<number>) {
  return deps.once(
    keyed,
    () => inSteps(deps.sockets.answers, keyed, principal.projectId, run),
    (kept) => kept.value as number,
  );
}

/** Which jobs are meant; undefined: all. Nobody means all of them by leaving something out. */
function chosenOf({ req }: RouteContext): { ids: readonly WorkId[] | undefined; warnings: readonly string[] } {
  const { input, warnings } = parse(body, req.body);
  if ((input.ids === undefined) === (input.all !== true)) {
    const message = "ids: give the ids of jobs, or all: true";
    throw new MemoryError("invalid", message, { details: [{ field: "ids", message }] });
  }
  return { ids: input.ids?.map((id, i) => jobId(id, `ids.${i}`)), warnings };
}
