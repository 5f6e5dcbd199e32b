/** What the drill found, line by line, and the table of it. */

export const verdictNames = ["ok", "replaced", "not run", "FAILED"] as const;
export type VerdictName = (typeof verdictNames)[number];

export interface Verdict {
  readonly part: string;
  readonly what: string;
  readonly verdict: VerdictName;
  /** A time, a reason, or what was seen instead. */
  readonly note: string;
}

const WHAT_CHARACTERS_MAX = 110;

/** One line for each, in columns, and how many there are of which. */
export function toTable(verdicts: readonly Verdict[]): string {
  const widths = { part: widest(verdicts.map(({ part }) => part)), verdict: widest(verdictNames) };
  const lines = verdicts.map(({ part, what, verdict, note }) =>
    [part.padEnd(widths.part), verdict.padEnd(widths.verdict), shorten(what), note].join("  ").trimEnd(),
  );
  const counts = verdictNames.map((name) => `${verdicts.filter(({ verdict }) => verdict === name).length} ${name}`);
  return `${lines.join("\n")}\n${counts.join(", ")}`;
}

/** Nothing found is no success. */
export function isWell(verdicts: readonly Verdict[]): boolean {
  return verdicts.length > 0 && verdicts.every(({ verdict }) => verdict !== "FAILED");
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= WHAT_CHARACTERS_MAX ? line : `${line.slice(0, WHAT_CHARACTERS_MAX - 1)}…`;
}
