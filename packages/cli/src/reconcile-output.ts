import { stderr } from "node:process";
import { countDifferences, DIFFERENCE_KINDS, type ReconcileReport, type ReconcileRun } from "@engram/memory";

/** A line for each index, and how long it took. */
export function describeReport({ targets, seconds, dry_run }: ReconcileReport): string {
  const lines = Object.entries(targets).map(([name, { rows, points, pending, parked, touched, ...kinds }]) => {
    const found = DIFFERENCE_KINDS.map((kind) => `${kinds[kind]} ${kind.replace("_", " ")}`).join(", ");
    const done = dry_run ? "nothing was changed" : `${touched} handed to the workers`;
    return `${name}: ${rows} memories, ${points} points; ${found}; ${done}. On their way already: ${pending}; parked: ${parked}`;
  });
  return [...lines, `Compared in ${seconds.toFixed(1)} s`].join("\n");
}

/** What a person sees while it runs. */
export interface Show {
  readonly progress: (run: ReconcileRun) => void;
  readonly note: (text: string) => void;
  readonly end: () => void;
}

function progressOf({ targets, started_at }: ReconcileRun): string {
  if (started_at === null) return "asked for";
  return Object.entries(targets)
    .map(
      ([name, report]) =>
        `${name}: ${report.rows} memories, ${countDifferences({ targets: { [name]: report } })} differences`,
    )
    .join("; ");
}

/** For a file or a pipe. */
export const LINES: Show = {
  progress: (run) => console.error(progressOf(run)),
  note: (text) => console.error(text),
  end: () => undefined,
};

/** For a terminal: one line that changes. */
export const ONE_LINE: Show = {
  progress: (run) => void stderr.write(`\r\u001b[K${progressOf(run)}`),
  note: (text) => void stderr.write(`\r\u001b[K${text}\n`),
  end: () => void stderr.write("\r\u001b[K"),
};

export const SILENT: Show = { progress: () => undefined, note: () => undefined, end: () => undefined };

/** Work rows that were made. */
export function touchedIn({ targets }: ReconcileReport): number {
  return Object.values(targets).reduce((sum, target) => sum + target.touched, 0);
}
