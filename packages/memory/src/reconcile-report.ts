import { uuidv7 } from "./ids.ts";
import type { Difference } from "./merge-join.ts";
import type { Schedule } from "./ports/index.ts";

/** The name of the scheduled job. */
export const RECONCILE = "reconcile";

/** What reconcile finds; `wrong_dimension` is of a collection as a whole. */
export const DIFFERENCE_KINDS = [
  "missing",
  "stale",
  "orphan",
  "wrong_tenant",
  "wrong_dimension",
] as const satisfies readonly (Difference | "wrong_dimension")[];
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

/** What came of one target. The names are those of the JSON that operators see. */
export interface TargetReport extends Record<DifferenceKind, number> {
  rows: number;
  points: number;
  /** Differs, and is on its way: work waits for it already, it changed while it was looked at, or the sweep takes it. */
  pending: number;
  /** Differs, and its work is parked: `engram_outbox_parked` counts it. */
  parked: number;
  /** Work rows that were made. */
  touched: number;
}

export const EMPTY_TARGET_REPORT: Readonly<TargetReport> = {
  rows: 0,
  points: 0,
  missing: 0,
  stale: 0,
  orphan: 0,
  wrong_tenant: 0,
  wrong_dimension: 0,
  pending: 0,
  parked: 0,
  touched: 0,
};

/** The schedule's state while a run is asked for or under way. */
export interface ReconcileRun {
  readonly id: string;
  readonly dry_run: boolean;
  /** ISO 8601; null: no step of it has been run yet. */
  started_at: string | null;
  readonly targets: Record<string, TargetReport>;
  /** The target that is being compared, and the id up to which it is. */
  current: { readonly target: string; readonly after: string | null } | null;
  /** Of all points seen. */
  greatest_version: number;
}

/** The schedule's result: the last run that came to its end. */
export interface ReconcileReport {
  readonly id: string;
  readonly dry_run: boolean;
  readonly seconds: number;
  readonly targets: Readonly<Record<string, TargetReport>>;
}

/** The state that starts a run from the beginning. `dryRun`: it only counts. */
export function newReconcileRun({ dryRun }: { readonly dryRun: boolean }): ReconcileRun {
  return { id: uuidv7(), dry_run: dryRun, started_at: null, targets: {}, current: null, greatest_version: 0 };
}

/** Where reconcile stands: what is asked for or under way, and what came of the last run. */
export interface ReconcileStatus {
  readonly run: ReconcileRun | undefined;
  readonly last: (ReconcileReport & { readonly finished_at: Date }) | undefined;
}

export function reconcileStatus(schedule: Schedule | undefined): ReconcileStatus {
  const report = isRecord(schedule?.result) ? (schedule.result as unknown as ReconcileReport) : undefined;
  const finished = schedule?.finishedAt ?? null;
  return {
    run: toReconcileRun(schedule?.state),
    last: report === undefined || finished === null ? undefined : { ...report, finished_at: finished },
  };
}

/** Undefined: no run is asked for; it is the clock that starts one. */
export function toReconcileRun(state: unknown): ReconcileRun | undefined {
  // Nobody but `reconcileStep` and `newReconcileRun` writes it.
  return isRecord(state) ? (structuredClone(state) as unknown as ReconcileRun) : undefined;
}

/** Differences of all kinds in all targets, without what is pending or parked. */
export function countDifferences({ targets }: Pick<ReconcileReport, "targets">): number {
  return Object.values(targets).reduce(
    (sum, target) => sum + DIFFERENCE_KINDS.reduce((of, kind) => of + target[kind], 0),
    0,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
