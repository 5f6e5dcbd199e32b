import { inSteps, RECONCILE, reconcileStatus, startReconcile, type ReconcileStatus } from "@engram/memory";
import { z } from "zod";
import type { ApiDeps } from "../app.ts";
import { fields, parse } from "../fields.ts";
import { withWarnings } from "../memory-json.ts";
import { defineRoute } from "../route.ts";

const body = z.object({
  dry_run: fields.strict.optional().meta({ description: "true: differences are only counted.", type: "boolean" }),
});

export const postReconcile = defineRoute({
  method: "post",
  path: "/api/jobs/reconcile",
  summary:
    "Compare the index with the memories and mend what differs; a run that is under way already is told instead.",
  body,
  idempotent: true,
  async handle({ deps, req, principal, keyed }) {
    const { input, warnings } = parse(body, req.body ?? {});
    // Safe to run again: a run that is under way is told instead.
    const start = async (): Promise<object> => {
      await startReconcile(deps.sockets.schedules, { dryRun: input.dry_run ?? false });
      return status(deps);
    };
    const { result, replayed } = await deps.once(
      keyed,
      () => inSteps(deps.sockets.answers, keyed, principal.projectId, start),
      (kept) => kept.value as object,
    );
    return { status: 202, body: { ...result, ...withWarnings(warnings) }, replayed };
  },
});

export const getReconcile = defineRoute({
  method: "get",
  path: "/api/jobs/reconcile",
  summary: "How far a comparison of the index with the memories is, and what the last one found.",
  async handle({ deps }) {
    return { status: 200, body: await status(deps) };
  },
});

async function status({ sockets }: ApiDeps): Promise<object> {
  const { run, last } = reconcileStatus(await sockets.schedules.get(RECONCILE));
  return { status: stateOf(run), run: runJson(run), last: last ?? null };
}

function stateOf(run: ReconcileStatus["run"]): "idle" | "queued" | "running" {
  return run === undefined ? "idle" : run.started_at === null ? "queued" : "running";
}

function runJson(run: ReconcileStatus["run"]): object | null {
  return run === undefined
    ? null
    : { id: run.id, dry_run: run.dry_run, started_at: run.started_at, targets: run.targets };
}
