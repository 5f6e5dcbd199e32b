import type { Schedules } from "./ports.ts";
import { newReconcileRun, RECONCILE, reconcileStatus } from "./reconcile-report.ts";

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
  const secondsAgo = last === undefined ? Number.POSITIVE_INFINITY : (now.getTime() - last.finishedAt.getTime()) / 1000;
  const isDone =
    last !== undefined && !last.dry_run && last.finishedAt.getTime() - last.seconds * 1000 > since.getTime();
  if (!isDone) {
    const inSeconds = Math.max(0, PAUSE_SECONDS - secondsAgo);
    await schedules.request(RECONCILE, newReconcileRun({ dryRun: false }), { inSeconds });
  }
  return true;
}
