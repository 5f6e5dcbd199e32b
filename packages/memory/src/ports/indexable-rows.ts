/** A row as an index should hold it, without its content. */
export interface RowState {
  readonly id: string;
  readonly version: number;
  readonly tenant: string;
  /** What `contentHash` gives for its content. */
  readonly hash: string;
  /** True: its time is over, and the sweep is about to delete it. */
  readonly expired: boolean;
}

/** A row, or its absence, and whether work of a target waits for it: both as of one instant. */
export interface ExaminedRow {
  readonly id: string;
  readonly row: RowState | undefined;
  readonly work: "none" | "waiting" | "parked";
}

/** What reconcile needs of the truth. Retired rows are rows like others: the index keeps them. */
export interface IndexableRows {
  /** Rows in the order of their ids, from beyond `after`; fewer than `limit` only at the end. */
  scan(page: { readonly after?: string; readonly limit: number }): Promise<readonly RowState[]>;
  /** In one statement, so that no work row can come or go between the two looks. In no order. */
  examine(target: string, ids: readonly string[]): Promise<readonly ExaminedRow[]>;
  /**
   * Makes work rows, in the slow lane, for the keys that have none and whose row is still of that version (null: still
   * absent). Returns those keys. Nothing for a target that is retired.
   */
  touch(
    target: string,
    seen: readonly { readonly id: string; readonly version: number | null }[],
  ): Promise<readonly string[]>;
  /** Moves the sequence of versions well past `version`. False: it is past it already, nothing was changed. */
  advanceVersions(version: number): Promise<boolean>;
}
