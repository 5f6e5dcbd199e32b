import type { Message } from "./conversation.ts";
import type { HistoryEvent, Memory, Metadata } from "./memory.ts";

/** Whose memories they are. */
export interface Person {
  readonly projectId: string;
  readonly userId: string;
}

/** A person of whom something is kept. */
export interface UserSummary {
  readonly userId: string;
  /** Memories that a listing shows. */
  readonly memories: number;
  /** Memories that are retired or expired: shown in no listing, but kept. */
  readonly hidden: number;
  /** When the newest of all of them was created. */
  readonly lastMemoryAt: Date;
}

export interface UserPage {
  /** In the order of their ids. */
  readonly users: readonly UserSummary[];
  readonly total: number;
  readonly nextCursor: string | null;
}

/** A memory with what only its owner and an operator care for. */
export interface KeptMemory extends Memory {
  /** Every session and agent that told it. */
  readonly sessionIds: readonly string[];
  readonly agentIds: readonly string[];
  readonly sourceMessageIds: readonly string[];
  readonly provenance: Metadata;
  readonly lastSeenAt: Date;
  readonly requestId: string | null;
}

/** A version that is no longer current, and what ended it. `memory` is null once the memory was deleted. */
export interface KeptVersion {
  readonly memoryId: string;
  readonly version: number;
  readonly endedBy: Exclude<HistoryEvent, "created"> | "deleted";
  readonly actor: string | null;
  readonly requestId: string | null;
  readonly at: Date;
  readonly memory: Omit<Memory, "indexStatus"> | null;
}

/** A message, and since when it is extracted. Its content is empty once a memory that came of it was deleted. */
export interface KeptMessage extends Message {
  readonly extractedAt: Date | null;
}

/** People, as far as their memories tell of them. */
export interface Users {
  /** A bad cursor throws `invalid`. */
  list(query: {
    readonly projectId: string;
    readonly limit: number;
    /** Opaque, from an earlier page's `nextCursor`. */
    readonly cursor?: string;
  }): Promise<UserPage>;
  /** Every memory of a person in pages, newest first, retired and expired ones too; each page is read when it is asked for. */
  exportMemories(person: Person): AsyncIterable<readonly KeptMemory[]>;
  /** Every earlier version of a person's memories in pages, by memory and version, deleted ones' empty lines too. */
  exportHistory(person: Person): AsyncIterable<readonly KeptVersion[]>;
  /** Every message that is kept, in pages, in the order in which they were said. */
  exportMessages(person: Person): AsyncIterable<readonly KeptMessage[]>;
}
