import { MemoryError } from "./errors.ts";
import { lookAgain } from "./look-again.ts";
import { mergeJoin, type Page } from "./merge-join.ts";
import type { CollectionRef, IndexableRows, IndexTarget, ScannedPoint, VectorIndex } from "./ports/index.ts";
import { EMPTY_TARGET_REPORT, type ReconcileRun } from "./reconcile-report.ts";
import type { StepBudget } from "./schedule.ts";

/** Rows and points of one page: a fifth of a megabyte each, and a few milliseconds of an embedded database. */
const PAGE_SIZE = 1_000;

/** Versions are JavaScript's numbers; what lies beyond was made by nobody, and must not become where they go on from. */
export const VERSION_MAX = 2 ** 50;

export interface CompareDeps {
  readonly rows: IndexableRows;
  readonly index: VectorIndex;
  /** Rows and points of one page; smaller, so that a run of a few rows has a middle. */
  readonly pageSize?: number;
  readonly onCompared?: (rows: number) => void;
}

/**
 * Compares one target with the rows from where the run stands in it, and gives what differs work rows, unless the run is
 * a dry one. False: the budget is spent before the end. Safe to repeat from an earlier state.
 */
export async function compareTarget(
  deps: CompareDeps,
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

  const readPoints: ReadPage<ScannedPoint> = async (page) => {
    const found = standing === undefined ? [] : await deps.index.scan(collection, page, signal);
    for (const { version } of found)
      if (version > run.greatest_version && version <= VERSION_MAX) run.greatest_version = version;
    return found;
  };
  const rows = new Side((page) => deps.rows.scan(page), after, deps.pageSize);
  const points = new Side(readPoints, after, deps.pageSize);
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
  readonly #size: number;
  #last: string | undefined;
  #page: Page<T> = { items: [], isLast: false };

  constructor(read: ReadPage<T>, after: string | undefined, size = PAGE_SIZE) {
    this.#read = read;
    this.#size = size;
    this.#last = after;
  }

  /** What is left of the page, or the next one. */
  async page(): Promise<Page<T>> {
    if (this.#page.items.length > 0 || this.#page.isLast) return this.#page;
    const items = await this.#read({ limit: this.#size, ...(this.#last === undefined ? {} : { after: this.#last }) });
    assertAscending(items, this.#last);
    this.#last = items.at(-1)?.id ?? this.#last;
    this.#page = { items, isLast: items.length < this.#size };
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
