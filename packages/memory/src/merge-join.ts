import type { PointState, RowState, ScannedPoint } from "./ports/index.ts";

/** How a row and its point can differ, a missing one of the two included. */
export type Difference = "missing" | "stale" | "orphan" | "wrong_tenant";

/**
 * Undefined: they agree. Versions are compared by inequality, not by order, because a restored database repeats numbers.
 * `expired`: the row's time is over and the sweep takes it, and with it the point, within a minute.
 */
export function differenceOf(
  row: RowState | undefined,
  point: PointState | undefined,
): Difference | "expired" | undefined {
  if (row === undefined) return point === undefined ? undefined : "orphan";
  if (row.expired) return point === undefined ? undefined : "expired";
  if (point === undefined) return "missing";
  if ((point.tenant ?? row.tenant) !== row.tenant) return "wrong_tenant";
  return point.version === row.version && point.hash === row.hash ? undefined : "stale";
}

/** A piece of a stream in the order of ids. */
export interface Page<T> {
  readonly items: readonly T[];
  /** True: the stream ends with these. */
  readonly isLast: boolean;
}

export interface Joined {
  /** Ids whose row and point differ, in their order. */
  readonly differing: readonly string[];
  /** Rows and points that were compared. */
  readonly rows: number;
  readonly points: number;
  /** All ids up to this one are compared; undefined: all there are. */
  readonly through: string | undefined;
  /** What lies beyond, for the next round. */
  readonly restOfRows: readonly RowState[];
  readonly restOfPoints: readonly ScannedPoint[];
}

/**
 * One round of a merge join: compares what both pages cover. At least one page is used up in each round, unless both are
 * the last of their streams. Pure.
 */
export function mergeJoin(rows: Page<RowState>, points: Page<ScannedPoint>): Joined {
  const ends = [rows, points].flatMap((page) => (page.isLast ? [] : [page.items.at(-1)?.id ?? ""]));
  const through = ends.length === 0 ? undefined : ends.reduce((a, b) => (a < b ? a : b));
  const isCovered = (one: { readonly id: string } | undefined): boolean =>
    one !== undefined && (through === undefined || one.id <= through);

  const differing: string[] = [];
  let [i, j] = [0, 0];
  for (;;) {
    const row = isCovered(rows.items[i]) ? rows.items[i] : undefined;
    const point = isCovered(points.items[j]) ? points.items[j] : undefined;
    const id = smaller(row?.id, point?.id);
    if (id === undefined) break;
    const [own, ownPoint] = [row?.id === id ? row : undefined, point?.id === id ? point : undefined];
    if (differenceOf(own, ownPoint) !== undefined) differing.push(id);
    if (own !== undefined) i += 1;
    if (ownPoint !== undefined) j += 1;
  }
  return {
    differing,
    rows: i,
    points: j,
    through,
    restOfRows: rows.items.slice(i),
    restOfPoints: points.items.slice(j),
  };
}

function smaller(a: string | undefined, b: string | undefined): string | undefined {
  return a === undefined || (b !== undefined && b < a) ? b : a;
}
