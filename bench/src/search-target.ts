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
  readonly reach?: () => Promise<void>;
  readonly samplesMs: Map<string, Samples>;
  readonly counts: { answers: number; empty: number; degraded: number; found: number };
  /** Seconds until all was accepted, and until all was in the index. */
  readonly loading?: { readonly acceptedSeconds: number; readonly indexedSeconds: number };
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
