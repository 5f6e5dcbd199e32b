import type { Vector } from "../vector.ts";
import type { Extractor } from "./extractor.ts";
import type { IndexTarget } from "./index-targets.ts";

export interface Embedding {
  readonly vectors: readonly Vector[];
  /** As the provider counts; 0 for one that costs nothing. */
  readonly tokens: number;
}

export interface Embedder {
  /** The model's name; part of the collection's. */
  readonly model: string;
  /** The dimensions that are asked of it; null: what it gives by itself. */
  readonly requestedDims: number | null;
  /** True: no provider; what it finds shares words or stems, not meaning. Said wherever it answers. */
  readonly lexical: boolean;
  /** One call for all texts, vectors in their order and of unit length. Throws `invalid`, `rate_limited`, `unavailable`. */
  embed(texts: readonly string[], signal: AbortSignal): Promise<Embedding>;
}

/** Work waits for its turn at the provider. The query of a search never does: it is charged, and work gives way. */
export type EmbedderUse = "work" | "search";

/** The models socket. */
export interface Models {
  /** What reads conversations. */
  readonly extractor: Extractor;
  /** The configured one, for work: what memories are to be embedded with. */
  readonly embedder: Embedder;
  /** The one that a target was filled with; undefined where it cannot be had any more (its provider is not configured). */
  embedderOf(target: Pick<IndexTarget, "model" | "requestedDims">, use: EmbedderUse): Promise<Embedder | undefined>;
}

/** What is taken of what a provider allows. */
export interface ProviderUse {
  readonly requests: number;
  readonly tokens: number;
}

/** When a call may be made. */
export interface ProviderTurn {
  /** False: nothing was taken, because nothing is free before `waitMs`. */
  readonly granted: boolean;
  /** From now; 0: at once. */
  readonly waitMs: number;
}

/**
 * What one operation of one model may use of its provider, shared by all who call it. Turns are spread evenly and given
 * one after the other; whatever a call takes beyond what is free, those after it wait for.
 */
export interface ProviderBudget {
  /** Takes the next turn, where it comes within `patienceMs`: the call is then to be made in `waitMs`. */
  reserve(use: ProviderUse, options: { patienceMs: number }): Promise<ProviderTurn>;
  /** Takes without asking; less than nothing gives back. */
  charge(use: ProviderUse): Promise<void>;
  /** No turns for so long, because the provider has said so. Never shortens a pause. */
  pause(seconds: number): Promise<void>;
  /** How long there will be no turn; 0: there is one now. */
  waitMs(): Promise<number>;
}
