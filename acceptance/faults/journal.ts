import { createWriteStream, type WriteStream } from "node:fs";

/** Lines of one subject that are kept at hand for an excerpt. */
const KEPT_PER_SUBJECT = 60;
const EXCERPT_LINES = 25;
const VIOLATIONS_MAX = 50;

/** The subject of what concerns no user by name. */
export const ALL = "all";

/** One thing that must not happen, and how it came to it. */
export interface Violation {
  readonly check: string;
  readonly detail: string;
  /** Seconds after the start. */
  readonly at: number;
  readonly excerpt: readonly string[];
}

/**
 * Everything that clients intend, before it is sent, and what became of it; every fault; every violation. In a file, so
 * that a run that failed can be studied, and the latest lines of each subject (a user) in memory.
 */
export class Journal {
  readonly violations: Violation[] = [];
  readonly #file: WriteStream;
  readonly #started = performance.now();
  readonly #kept = new Map<string, string[]>();
  #sequence = 0;

  constructor(path: string) {
    this.#file = createWriteStream(path);
  }

  /** Seconds since the start. */
  get seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** Writes a line about `subject` down; gives its number, to which its outcome refers. */
  write(subject: string, entry: Readonly<Record<string, unknown>>): number {
    this.#sequence += 1;
    const line = JSON.stringify({ n: this.#sequence, at: round(this.seconds), subject, ...entry });
    this.#file.write(`${line}\n`);
    const kept = this.#kept.get(subject) ?? [];
    kept.push(line);
    if (kept.length > KEPT_PER_SUBJECT) kept.shift();
    this.#kept.set(subject, kept);
    return this.#sequence;
  }

  /** Something was seen that must not be; `mention` picks the lines of the excerpt, else the latest are taken. */
  violate(check: string, subject: string, detail: string, mention?: string): void {
    const lines = subject === ALL ? [...this.#kept.values()].flat() : (this.#kept.get(subject) ?? []);
    const chosen = mention === undefined ? lines : lines.filter((line) => line.includes(mention));
    const isFound = chosen.length > 0 || subject === ALL;
    const excerpt = (isFound ? chosen : lines).slice(-EXCERPT_LINES);
    if (mention !== undefined && chosen.length === 0) excerpt.unshift(`long ago: grep '${mention}' journal.ndjson`);
    this.write(subject, { violation: check, detail });
    if (this.violations.length < VIOLATIONS_MAX)
      this.violations.push({ check, detail: `${subject}: ${detail}`, at: round(this.seconds), excerpt });
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#file.end(resolve));
  }
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
