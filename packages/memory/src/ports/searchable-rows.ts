import type { IndexStatus, Level, Memory } from "../memory.ts";
import type { MemoryFilter } from "../scope.ts";

/** A live row of one user, as a search goes through it. */
export interface SearchableRow {
  readonly id: string;
  readonly version: number;
  readonly level: Level;
  readonly type: string;
  readonly sessionId: string | null;
  readonly sessionIds: readonly string[];
  readonly agentIds: readonly string[];
  /** Microseconds since 1970. */
  readonly createdAt: number;
  /** Milliseconds since 1970; Infinity: never. */
  readonly expiresAt: number;
  /** Its lexemes in the database's order, and how often each stands there. */
  readonly lexemes: readonly string[];
  readonly counts: readonly number[];
  /** The rest of the memory, for `toMemory`. Undefined: so long a one is read where it is. */
  readonly contents: string | undefined;
}

/** What of a memory changes without a new version. */
export interface Standing {
  readonly seenCount: number;
  readonly indexStatus: IndexStatus;
}

/** Whose rows. */
export interface RowsOwner {
  readonly projectId: string;
  readonly userId: string;
}

/** A row as it was read before: whose, and which version. */
export interface RowVersion extends RowsOwner {
  readonly id: string;
  readonly version: number;
}

/** The same, with its contents as `read` gave them. */
export interface KeptRow extends RowVersion {
  readonly contents: string;
}

/** What came to pass in the truth, told in the order in which it can be seen. */
export interface ChangesAsked {
  readonly tenant: string;
  /** The mark of the poll before this one. */
  readonly since: string;
  /** Whether these stand is asked as well; absent: none. */
  readonly rows?: readonly RowVersion[];
}

/** The changes of one tenant that a poll before this one may not have seen. */
export interface Change {
  /** Of a transaction: all its changes can be seen at once, and are told again until none before it is under way. */
  readonly transaction: string;
  /** Undefined: too many to tell. */
  readonly ids: readonly string[] | undefined;
}

/** Where a poll stands. */
export interface Mark {
  /** What the next poll is to begin from; grows, as long as `epoch` stays. */
  readonly since: string;
  /** Changes before this mark are no longer told. */
  readonly toldFrom: string;
  /** Another one: what was seen before is of another database, or of one that was written past its triggers. */
  readonly epoch: string;
  /** When it was, by the database: milliseconds since 1970. */
  readonly clock: number;
}

/** Changes of one tenant that a poll tells; one more says that there are too many. */
export const CHANGES_MAX = 2_000;

export interface ChangesPoll extends Mark {
  /** For each that was asked, in order. */
  readonly tenants: readonly TenantChanges[];
}

export interface TenantChanges {
  readonly changes: readonly Change[];
  /** Some of what the tenant said is no memory yet; it is to be searched as messages. */
  readonly talkWaits: boolean;
  /** Of each of the `rows` that were asked, in order. Undefined: it is gone, retired, expired, another's or another version. */
  readonly standing: readonly (Standing | undefined)[];
}

export interface TenantPoll extends Mark, TenantChanges {}

export interface ListedRows extends Pick<Mark, "since" | "epoch"> {
  readonly ids: readonly string[];
  /** Transactions that will be told again and whose changes could be seen: they are in whatever is read from then on. */
  readonly known: readonly string[];
}

/** The truth as it is held in memory for searches, and what is needed to follow it. */
export interface SearchableRows {
  /** The ids of a user's live rows, as of one instant; undefined: more than `limit`. */
  list(owner: RowsOwner, limit: number): Promise<ListedRows | undefined>;
  /** Those among `ids` that are live and the user's own. */
  read(owner: RowsOwner, ids: readonly string[]): Promise<readonly SearchableRow[]>;
  /** One statement for all that ask. What had been committed when it began is in it. */
  poll(asked: readonly ChangesAsked[]): Promise<ChangesPoll>;
  /** The rows among `ids` that the filter lets through, live ones only and in no order, and a poll of the same instant. */
  join(
    ids: readonly string[],
    filter: MemoryFilter,
    asked: ChangesAsked,
  ): Promise<{ readonly memories: readonly Memory[]; readonly poll: TenantPoll }>;
  /** The memory that the row is, as it stands. */
  toMemory(row: KeptRow, standing: Standing): Memory;
  /** Takes away a chunk of what was told for a quarter of an hour. */
  forget(): Promise<{ deleted: number; more: boolean }>;
}
