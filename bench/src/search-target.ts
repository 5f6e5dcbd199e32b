import type { Statement } from "./sentences.ts";

/** A memory and whose it is. */
export interface Owned extends Statement {
  readonly userId: string;
}

/** Something that answers a search; `ask` tells what came back. */
export interface Target {
  readonly name: string;
  readonly ask: (worker: number, wanted: Owned) => Promise<Answer>;
  /** Opens its connections, which a server closes that has not been asked for a while. */
  readonly reach: () => Promise<void>;
  /** Closes them, so that what a server has for them is no part of what it is measured at later. */
  readonly leave: () => Promise<void>;
  /** Of each load, a round after the other. */
  readonly samplesMs: Map<string, readonly Samples[]>;
  readonly counts: { answers: number; empty: number; degraded: number; found: number };
}

export interface Samples {
  readonly total: number[];
  /** All but the embedding and the query of the vectors. */
  readonly overhead: number[];
}

export interface Answer {
  readonly contents: readonly string[];
  readonly degraded: boolean;
  /** Of which the embedding and the query of the vectors took so long, in milliseconds. */
  readonly vectorsMs: number;
}

/** A target that asks over one connection for each asker. */
export function createTarget<T>(
  name: string,
  lines: { readonly open: () => Promise<T>; readonly close: (line: T) => Promise<void> | void },
  { askers, ask }: { readonly askers: number; readonly ask: (line: T, wanted: Owned) => Promise<Answer> },
): Target {
  let open: readonly T[] = [];
  return {
    name,
    samplesMs: new Map(),
    counts: { answers: 0, empty: 0, degraded: 0, found: 0 },
    async reach() {
      open = await Promise.all(Array.from({ length: askers }, () => lines.open()));
    },
    async leave() {
      for (const line of open) await lines.close(line);
      open = [];
    },
    ask(worker, wanted) {
      const line = open[worker];
      if (line === undefined) throw new Error(`${name}: not reached`);
      return ask(line, wanted);
    },
  };
}
