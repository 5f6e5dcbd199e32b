import type { Schedules } from "./ports/index.ts";
import { newReconcileRun, RECONCILE, reconcileStatus, type ReconcileRun } from "./reconcile-report.ts";

/** From the end of a run to the start of the next that nobody but the service itself asks for. */
const PAUSE_SECONDS = 300;

/**
 * Sees to it that a run begins after `since`, when the index may have lost something. One that a colleague has asked for
 * will do. False: an earlier run is under way and has passed over a part already; ask again when it has ended.
 */
export async function requestReconcile(
  schedules: Pick<Schedules, "get" | "request">,
  { since, now = new Date() }: { readonly since: Date; readonly now?: Date },
): Promise<boolean> {
  const { run, last } = reconcileStatus(await schedules.get(RECONCILE));
  if (run !== undefined) return !run.dry_run && (run.started_at === null || new Date(run.started_at) > since);
  const secondsAgo =
    last === undefined ? Number.POSITIVE_INFINITY : (now.getTime() - last.finished_at.getTime()) / 1000;
  const isDone =
    last !== undefined && !last.dry_run && last.finished_at.getTime() - last.seconds * 1000 > since.getTime();
  if (!isDone) {
    const inSeconds = Math.max(0, PAUSE_SECONDS - secondsAgo);
    await schedules.request(RECONCILE, newReconcileRun({ dryRun: false }), { inSeconds });
  }
  return true;
}

/**
 * A run that a person asks for: due at once. One of the same kind that is asked for or under way already is theirs too;
 * one of the other kind gives way.
 */
export async function startReconcile(
  schedules: Pick<Schedules, "get" | "request">,
  { dryRun }: { readonly dryRun: boolean },
): Promise<ReconcileRun> {
  const { run } = reconcileStatus(await schedules.get(RECONCILE));
  if (run?.dry_run === dryRun) {
    await schedules.request(RECONCILE);
    return run;
  }
  const fresh = newReconcileRun({ dryRun });
  await schedules.request(RECONCILE, fresh);
  return fresh;
}
