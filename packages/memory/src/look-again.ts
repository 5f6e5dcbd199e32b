import { differenceOf, type Difference } from "./merge-join.ts";
import type { CollectionRef, ExaminedRow, IndexableRows, IndexTarget, VectorIndex } from "./ports/index.ts";
import type { TargetReport } from "./reconcile-report.ts";

export interface LookDeps {
  readonly rows: IndexableRows;
  readonly index: Pick<VectorIndex, "fetchStates">;
}

export interface Look {
  readonly target: IndexTarget;
  /** Undefined: it does not exist, so no point does. */
  readonly collection: CollectionRef | undefined;
  readonly isDry: boolean;
}

/**
 * The two sides were not read at one instant, so what seemed to differ may only have changed in between. Here it counts
 * when the row is without work at one instant, its point differs after that, and still later the row is unchanged and
 * without work: whatever may make the two differ leaves a work row until they agree again (I1), so there was none to
 * end the difference, and it is a true one.
 */
export async function lookAgain(
  deps: LookDeps,
  { target, collection, isDry }: Look,
  ids: readonly string[],
  report: TargetReport,
  signal: AbortSignal,
): Promise<void> {
  if (ids.length === 0) return;
  const examined = await deps.rows.examine(target.name, ids);
  const idle = examined.filter(({ work }) => work === "none");
  report.parked += examined.filter(({ work }) => work === "parked").length;
  report.pending += examined.filter(({ work }) => work === "waiting").length;

  const idleIds = idle.map(({ id }) => id);
  const states = collection === undefined ? new Map() : await deps.index.fetchStates(collection, idleIds, signal);
  const found = idle.flatMap(({ id, row }) => {
    const kind = differenceOf(row, states.get(id));
    return kind === undefined ? [] : [{ id, kind, version: row?.version ?? null }];
  });
  // While a target fills, its rows get their work one after the other, without our help.
  const isOurs = (kind: Difference | "expired"): kind is Difference =>
    kind !== "expired" && !(kind === "missing" && target.state === "filling" && target.filledAt === null);
  const seen = found.filter(({ kind }) => isOurs(kind));
  const sure = new Set(isDry ? await findUnchanged(deps.rows, target, seen) : await deps.rows.touch(target.name, seen));
  if (!isDry) report.touched += sure.size;
  for (const { id, kind } of found) {
    if (isOurs(kind) && sure.has(id)) report[kind] += 1;
    else report.pending += 1;
  }
}

/** What `touch` would touch. */
async function findUnchanged(
  rows: IndexableRows,
  target: IndexTarget,
  seen: readonly { readonly id: string; readonly version: number | null }[],
): Promise<readonly string[]> {
  const versions = new Map(seen.map(({ id, version }) => [id, version]));
  const isUnchanged = ({ id, row, work }: ExaminedRow): boolean =>
    work === "none" && (row?.version ?? null) === versions.get(id);
  return (await rows.examine(target.name, [...versions.keys()])).filter(isUnchanged).map(({ id }) => id);
}
