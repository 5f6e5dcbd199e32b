/** What a fault may explain: that a process does not answer, or that an API cannot reach the truth. */
export type Subject = `process:${string}` | `truth:${string}`;

interface Span {
  readonly from: number;
  /** Infinity while it lasts. */
  to: number;
  /** True: it excuses only what was sent when it began or later; what was under way must be answered. */
  readonly isGraceful: boolean;
}

/** A call that is sent while its connection is being closed meets its end, however graceful that is. */
const CROSSING_MS = 200;

/**
 * When something was done on purpose that may explain an answer which is none. Without such an excuse it is a violation.
 * Times are those of `performance.now()`.
 */
export class Troubles {
  readonly #spans = new Map<Subject, Span[]>();

  /** Opens a span for each subject, and gives what closes them. */
  begin(...subjects: readonly Subject[]): () => void {
    return this.#open(subjects, false);
  }

  /** The same for an end that answers what is under way. */
  beginGraceful(...subjects: readonly Subject[]): () => void {
    return this.#open(subjects, true);
  }

  /** Whether a trouble of `subject`, with `graceMs` after it, explains what happened to a call of this time. */
  excuses(subject: Subject, { from, to }: { from: number; to: number }, graceMs: number): boolean {
    return (this.#spans.get(subject) ?? []).some(
      (span) => span.from <= to && span.to + graceMs >= from && (!span.isGraceful || from >= span.from - CROSSING_MS),
    );
  }

  #open(subjects: readonly Subject[], isGraceful: boolean): () => void {
    const spans = subjects.map((subject) => {
      const span = { from: performance.now(), to: Number.POSITIVE_INFINITY, isGraceful };
      const known = this.#spans.get(subject);
      if (known === undefined) this.#spans.set(subject, [span]);
      else known.push(span);
      return span;
    });
    return () => {
      for (const span of spans) if (span.to === Number.POSITIVE_INFINITY) span.to = performance.now();
    };
  }
}
