import type { IndexStatus, KeyedWrite, Memory } from "./memory.ts";

/** What a keyed write answered: the fields that its kind of write has. */
export interface KeptResult {
  readonly memory?: Memory;
  /** Of a put: whether the memory was new. */
  readonly created?: boolean;
  /** Of an item of a bulk. */
  readonly id?: string;
  /** Of a delete: how many. */
  readonly deleted?: number;
  /** Of a write of several statements: what `finish` was given. */
  readonly value?: unknown;
  /** True: the memory's index status is the one that was answered after a wait. */
  readonly settled: boolean;
}

export interface KeptAnswer {
  /** `KeyedWrite.request` of the write that was answered. */
  readonly request: string;
  /** `begun`: of several statements, not answered yet; `gone`: the memory that it told of has been deleted or has expired. */
  readonly state: "begun" | "done" | "gone";
  readonly result: KeptResult;
}

/** The answers to keyed writes, each kept by the statement of its effect for `ANSWER_HOURS`. */
export interface KeptAnswers {
  /** What is kept under which of the keys; what is older than `ANSWER_HOURS` is not, and the key is free again. */
  find(keys: readonly string[]): Promise<ReadonlyMap<string, KeptAnswer>>;
  /**
   * Takes the key for a write of several statements. True: now for the first time; false: it was begun before and not
   * finished, here or elsewhere, and is to be gone on with. Throws `keyTaken` when it is done, or another request's.
   */
  begin(keyed: KeyedWrite, projectId: string): Promise<boolean>;
  /** Keeps the answer of a write that was begun; throws `keyTaken` when there is one already. `value` is plain JSON. */
  finish(keyed: KeyedWrite, value: unknown): Promise<void>;
  /** Agrees on the index status that a waiting request answers: the first one's stays. Undefined: nothing is kept. */
  settle(keyed: KeyedWrite, status: IndexStatus): Promise<IndexStatus | undefined>;
  /** Takes away what is older than `ANSWER_HOURS`, one chunk; says how many, and whether there are more. */
  sweep(): Promise<{ deleted: number; more: boolean }>;
}
