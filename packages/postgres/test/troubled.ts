import { MemoryError } from "@engram/memory";
import type { Executor, Row } from "@engram/sql";

/** An executor that can lose answers, and remembers what it was asked. */
export interface Troubled {
  readonly db: Executor;
  readonly statements: readonly string[];
  /** Of the statements that match, the n-th (from 1) takes effect, and its caller learns that the connection was cut. */
  cutAfter(pattern: RegExp, n?: number): void;
  /** Before the first statement that matches, once, this happens: as if its process had been stopped meanwhile. */
  before(pattern: RegExp, event: () => Promise<void>): void;
}

/** As a process sees it that dies, or a network that breaks, between a commit and its answer. */
export function troubled(inner: Executor): Troubled {
  const statements: string[] = [];
  let meanwhile: { pattern: RegExp; event: () => Promise<void> } | undefined;
  let cut: { pattern: RegExp; left: number } | undefined;

  async function query<R extends Row>(text: string, values?: readonly unknown[]): Promise<readonly R[]> {
    statements.push(text);
    if (meanwhile?.pattern.test(text) === true) {
      const { event } = meanwhile;
      meanwhile = undefined;
      await event();
    }
    const rows = await inner.query<R>(text, values);
    if (cut?.pattern.test(text) === true && --cut.left === 0)
      throw new MemoryError("unavailable", "The database cannot be reached", { outcomeUnknown: true });
    return rows;
  }

  return {
    db: { ...inner, query },
    statements,
    before(pattern, event) {
      meanwhile = { pattern, event };
    },
    cutAfter(pattern, n = 1) {
      cut = { pattern, left: n };
    },
  };
}
