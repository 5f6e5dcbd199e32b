import type { Injected } from "./injector.ts";
import type { Violation } from "./journal.ts";
import type { Tally } from "./tally.ts";
import type { Quiet } from "./verdict.ts";

/** What a storm was, and what came of it. */
export interface Report {
  readonly seed: number;
  readonly minutes: number;
  readonly acts: Tally["acts"];
  /** Writes, updates and deletes that were sent. */
  readonly changes: number;
  /** Sent again under their key, until it was known what had become of them. */
  readonly retries: number;
  readonly degradedSearches: number;
  readonly faults: number;
  readonly killsAndCuts: number;
  readonly redisWipes: number;
  readonly faultsByKind: Readonly<Record<string, number>>;
  readonly backlogMax: number;
  readonly quiet: Quiet | undefined;
  readonly violations: readonly Violation[];
}

export function countKinds(injected: readonly Injected[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of injected) counts[kind] = (counts[kind] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort(([, a], [, b]) => b - a));
}

/** The whole of a line is in the journal. */
const LINE_CHARS_MAX = 300;

/** For people. */
export function toText(report: Report): string {
  const { acts, quiet, violations } = report;
  const rows = Object.entries(acts).map(
    ([act, fates]) =>
      `${act.padEnd(8)}${[fates.acknowledged, fates.unknown, fates.refused].map((n) => String(n).padStart(14)).join("")}`,
  );
  const kinds = Object.entries(report.faultsByKind).map(([kind, count]) => `  ${String(count).padStart(4)}  ${kind}`);
  return [
    "",
    `Storm of ${report.minutes.toFixed(1)} minutes, seed ${report.seed}`,
    "",
    "          acknowledged       unknown       refused",
    ...rows,
    "",
    `${report.changes} writes, updates and deletes, ${report.retries} times tried again under an Idempotency-Key; ${report.degradedSearches} searches answered without vectors`,
    `${report.faults} faults, of them ${report.killsAndCuts} kills and cuts, ${report.redisWipes} wipes of Redis:`,
    ...kinds,
    "",
    `Highest backlog ${report.backlogMax}; ${
      quiet === undefined
        ? "never quiet"
        : `0 again ${quiet.secondsToDrain.toFixed(1)} s after the last write; ${quiet.rows} rows, ${quiet.points} vectors`
    }`,
    "",
    ...violations.flatMap((violation) => [
      `VIOLATION at ${violation.at} s: ${violation.check}`,
      `  ${violation.detail}`,
      ...violation.excerpt.map((line) => `    ${line.slice(0, LINE_CHARS_MAX)}`),
      "",
    ]),
    violations.length === 0 ? "0 violations" : `${violations.length} VIOLATIONS`,
    "",
  ].join("\n");
}
