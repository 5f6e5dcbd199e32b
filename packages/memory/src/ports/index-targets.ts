export type TargetState = "live" | "filling" | "retired";

/** One index that follows the rows. */
export interface IndexTarget {
  readonly name: string;
  readonly state: TargetState;
  /** Null until a worker has probed the embedder. */
  readonly model: string | null;
  readonly dims: number | null;
  /** The dimensions that were asked of the model; null: what it gives by itself. */
  readonly requestedDims: number | null;
  readonly calibration: Calibration | null;
  /** When every memory had got its work row; null: that is under way. */
  readonly filledAt: Date | null;
  /** When a target that was replaced is to end; until then it is followed, so that going back costs nothing. */
  readonly retireAt: Date | null;
}

/** How far a target is. Every memory whose index may differ has a work row, so no work means that it is complete. */
export interface TargetProgress {
  /** Memories that the index should hold. */
  readonly rows: number;
  /** Work that is due or under way; what only waits out a doubt is left out. */
  readonly pending: number;
  /** Waits for somebody to look at it; what was discarded is left out. */
  readonly parked: number;
  /** All work rows, doubts and discarded ones too: the index differs from the rows in these at most. */
  readonly work: number;
}

export interface IndexTargets {
  live(): Promise<IndexTarget>;
  /** The live target, then those that fill or are kept for a way back. */
  followed(): Promise<readonly IndexTarget[]>;
  /** All of them, whatever their state. */
  list(): Promise<readonly IndexTarget[]>;
  /**
   * Makes a target of the probed model follow the rows: the live one where it agrees or is fresh, else one that fills,
   * begun anew or resumed. Idempotent; safe from several workers at once.
   */
  adopt(probe: EmbedderProbe): Promise<IndexTarget>;
  /**
   * Gives a chunk of memories, from where the last one ended, their work rows in a filling target. `waiting`: writers
   * that do not know of the target yet are still under way.
   */
  backfill(name: string, limit: number): Promise<"waiting" | "more" | "filled">;
  progress(name: string): Promise<TargetProgress>;
  /** Makes a filling target the live one, in one commit; the live one is followed for so long. False: it is not filling. */
  promote(name: string, options: { readonly keepSeconds: number }): Promise<boolean>;
  /** Makes a filling target due to be retired at once. */
  giveUp(name: string): Promise<void>;
  /** Ends a target that is not live, and its work. False: it is live, or ended already. */
  retire(name: string): Promise<boolean>;
}

/** Where an embedder's cosines lie: `background` for unrelated texts, `related` for a question and its answer. */
export interface CosineScale {
  readonly background: number;
  readonly related: number;
}

/** The scale of an embedder, and those of questions in scripts that need one of their own. */
export interface Calibration extends CosineScale {
  readonly cyrillic?: CosineScale;
  /** Of Chinese, and so of Japanese and Korean. Absent: probed before it was asked for (`isCurrent`). */
  readonly eastAsian?: CosineScale;
}

export interface EmbedderProbe {
  readonly model: string;
  readonly dims: number;
  readonly requestedDims: number | null;
  readonly calibration: Calibration;
}
