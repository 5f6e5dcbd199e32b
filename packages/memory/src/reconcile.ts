import { collectionOf } from "./collection.ts";
import { MemoryError } from "./errors.ts";
import { lookAgain } from "./look-again.ts";
import { mergeJoin, type Page } from "./merge-join.ts";
import type { CollectionRef, IndexableRows, IndexTarget, IndexTargets, VectorIndex } from "./ports.ts";
import {
  EMPTY_TARGET_REPORT,
  newReconcileRun,
  toReconcileRun,
  type ReconcileReport,
  type ReconcileRun,
} from "./reconcile-report.ts";
import type { StepBudget, StepResult } from "./schedule.ts";

/** Rows and points of one page: a fifth of a megabyte each, and a few milliseconds of an embedded database. */
const PAGE_SIZE = 1_000;

/** Versions are JavaScript's numbers; what lies beyond was made by nobody, and must not become where they go on from. */
const VERSION_MAX = 2 ** 50;

export interface ReconcileDeps {
  readonly rows: IndexableRows;
  readonly index: VectorIndex;
  readonly targets: Pick<IndexTargets, "followed">;
  /** The configured name of the collections. */
  readonly base: string;
  readonly onCompared?: (rows: number) => void;
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

/** False: the budget is spent before the end. */
async function compareTarget(
  deps: ReconcileDeps,
  target: IndexTarget,
  collection: CollectionRef,
  run: ReconcileRun,
  budget: StepBudget,
): Promise<boolean> {
  const { signal } = budget;
  const report = (run.targets[target.name] ??= { ...EMPTY_TARGET_REPORT });
  const after = run.current?.target === target.name ? (run.current.after ?? undefined) : undefined;
  const standing = await deps.index.inspect(collection, signal);
  if (standing !== undefined && standing.dims !== collection.dims) {
    report.wrong_dimension = 1;
    run.current = null;
    return true;
  }
  // An index that came back without it: made again, empty, else the work of its rows would fail for as long as nobody looks.
  if (standing === undefined && !run.dry_run) {
    await deps.index.prepare(collection);
    if (target.state === "live") await deps.index.publish(collection);
  }

  const rows = new Side((page) => deps.rows.scan(page), after);
  const points = new Side(async (page) => {
    const found = standing === undefined ? [] : await deps.index.scan(collection, page, signal);
    for (const { version } of found)
      if (version > run.greatest_version && version <= VERSION_MAX) run.greatest_version = version;
    return found;
  }, after);
  for (;;) {
    const joined = mergeJoin(...(await Promise.all([rows.page(), points.page()])));
    rows.keep(joined.restOfRows);
    points.keep(joined.restOfPoints);
    report.rows += joined.rows;
    report.points += joined.points;
    deps.onCompared?.(joined.rows);
    const look = { target, collection: standing === undefined ? undefined : collection, isDry: run.dry_run };
    await lookAgain(deps, look, joined.differing, report, signal);
    run.current = joined.through === undefined ? null : { target: target.name, after: joined.through };
    if (run.current === null) return true;
    if (budget.spent()) return false;
  }
}

type ReadPage<T> = (page: { readonly after?: string; readonly limit: number }) => Promise<readonly T[]>;

/** One of the two streams, read a page ahead of what is compared. */
class Side<T extends { readonly id: string }> {
  readonly #read: ReadPage<T>;
  #last: string | undefined;
  #page: Page<T> = { items: [], isLast: false };

  constructor(read: ReadPage<T>, after: string | undefined) {
    this.#read = read;
    this.#last = after;
  }

  /** What is left of the page, or the next one. */
  async page(): Promise<Page<T>> {
    if (this.#page.items.length > 0 || this.#page.isLast) return this.#page;
    const items = await this.#read({ limit: PAGE_SIZE, ...(this.#last === undefined ? {} : { after: this.#last }) });
    assertAscending(items, this.#last);
    this.#last = items.at(-1)?.id ?? this.#last;
    this.#page = { items, isLast: items.length < PAGE_SIZE };
    return this.#page;
  }

  keep(rest: readonly T[]): void {
    this.#page = { ...this.#page, items: rest };
  }
}

/** Out of order, a join would see differences everywhere and a reader might never come to the end. */
function assertAscending(items: readonly { readonly id: string }[], after: string | undefined): void {
  let last = after ?? "";
  for (const { id } of items) {
    if (id <= last) throw new MemoryError("unavailable", "a side of the comparison is not in the order of its ids");
    last = id;
  }
}

function reportOf({ id, dry_run, started_at, targets }: ReconcileRun): ReconcileReport {
  const seconds = (Date.now() - new Date(started_at ?? Date.now()).getTime()) / 1000;
  return { id, dry_run, seconds, targets };
}
