import { collectionOf } from "./collection.ts";
import { compareTarget, VERSION_MAX, type CompareDeps } from "./compare-target.ts";
import type { IndexTargets } from "./ports/index.ts";
import { newReconcileRun, toReconcileRun, type ReconcileReport, type ReconcileRun } from "./reconcile-report.ts";
import type { StepBudget, StepResult } from "./schedule.ts";

export interface ReconcileDeps extends CompareDeps {
  readonly targets: Pick<IndexTargets, "followed">;
  /** The configured name of the collections. */
  readonly base: string;
  /** The index held a version that the database has not given yet: it was restored from an older state. */
  readonly onRewound?: (version: number) => void;
}

/**
 * One step of comparing every target with the rows, from where the last one ended. It repairs nothing (PROTOCOL.md, I7):
 * what differs gets a work row, and `converge` does the rest.
 *
 * Safe to repeat: what has a work row is not touched again, and counts as pending then. So a step that died with its
 * process is done once more from the state before it.
 */
export async function reconcileStep(deps: ReconcileDeps, state: unknown, budget: StepBudget): Promise<StepResult> {
  const run = toReconcileRun(state) ?? newReconcileRun({ dryRun: false });
  run.started_at ??= new Date().toISOString();
  for (const target of await deps.targets.followed()) {
    const collection = collectionOf(deps.base, target);
    const isDone = target.name in run.targets && run.current?.target !== target.name;
    if (collection === undefined || isDone) continue;
    if (!(await compareTarget(deps, target, collection, run, budget))) return { done: false, state: run };
  }
  if (!run.dry_run) await passVersions(deps, run.greatest_version);
  return { done: true, result: reportOf(run) };
}

/**
 * Moves the versions past the greatest one that any target holds. True: they were behind, so the database is older than
 * its index. Without it numbers repeat, and a row could get the very version of a point that was made of another text.
 */
export async function catchUpVersions(deps: ReconcileDeps, signal: AbortSignal): Promise<boolean> {
  let isRewound = false;
  for (const target of await deps.targets.followed()) {
    const collection = collectionOf(deps.base, target);
    const state = collection === undefined ? undefined : await deps.index.inspect(collection, signal);
    isRewound = (await passVersions(deps, state?.greatestVersion ?? 0)) || isRewound;
  }
  return isRewound;
}

async function passVersions({ rows, onRewound }: ReconcileDeps, version: number): Promise<boolean> {
  if (!(version > 0 && version <= VERSION_MAX) || !(await rows.advanceVersions(version))) return false;
  onRewound?.(version);
  return true;
}

function reportOf({ id, dry_run, started_at, targets }: ReconcileRun): ReconcileReport {
  const seconds = (Date.now() - new Date(started_at ?? Date.now()).getTime()) / 1000;
  return { id, dry_run, seconds, targets };
}
