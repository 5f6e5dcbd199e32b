import type { ExtractionWishes, Role } from "../conversation.ts";

/** A turn to be extracted. */
export interface ExtractionTurn {
  /** 1, 2, 3, …: what a fact cites. */
  readonly number: number;
  readonly role: Role;
  readonly name: string | null;
  readonly content: string;
  readonly saidAt: Date;
}

/** A memory that may be the same as what is said, or be replaced by it. */
export interface KnownMemory {
  /** 1, 2, 3, …: what a fact's relation names. */
  readonly number: number;
  readonly type: string;
  readonly content: string;
  readonly validFrom: Date;
}

export interface ExtractionRequest {
  readonly projectId: string;
  readonly turns: readonly ExtractionTurn[];
  /** The turns before, to be understood by and not to be extracted again. */
  readonly before: readonly Omit<ExtractionTurn, "number">[];
  readonly known: readonly KnownMemory[];
  readonly wishes: ExtractionWishes;
  readonly requestIds: readonly string[];
}

export interface ExtractedFact {
  /** One statement that is understood by itself, in the speaker's language, with absolute dates. */
  readonly content: string;
  readonly type: string;
  readonly importance: number | null;
  /** Names of people, places and things in it. */
  readonly entities: readonly string[];
  /** When it happened, where that differs from when it was said. */
  readonly occurredAt: Date | null;
  /** Turns that it stands on, each a `number` of the request's turns; none: the answer does not tell. */
  readonly from: readonly number[];
  /**
   * To what is known, or to a fact before it in the same answer (`earlier`: its place there, from 1), since a talk may change
   * its mind. A number that was not shown, or of no fact before this one, never comes out of an extractor.
   */
  readonly relation:
    | { readonly kind: "new" }
    | { readonly kind: "same"; readonly known: number }
    | { readonly kind: "same"; readonly earlier: number }
    | { readonly kind: "replaces"; readonly known: readonly number[]; readonly earlier?: readonly number[] };
}

export interface Extraction {
  /** In the order in which they were said. */
  readonly facts: readonly ExtractedFact[];
  readonly promptVersion: string;
  /** True: there was more to say about the one turn that was asked about. */
  readonly isCut?: boolean;
}

/** Makes facts of talk: one call of a model for all turns, or rules without any. */
export interface Extractor {
  readonly model: string;
  /** True: rules, no provider: the user's own plain statements; only another name or another home replaces one. */
  readonly offline: boolean;
  /**
   * Throws `invalid` when the answer cannot be read even after repair, `too_large` when it ends in the middle (the caller
   * then asks about fewer turns), `rate_limited` and `unavailable` as embedders do, with `timedOut` where all the time of a
   * call has passed.
   */
  extract(request: ExtractionRequest, signal: AbortSignal): Promise<Extraction>;
}
