/*
 * The words of Engram.
 *
 * memory      one short statement, a row of the table `memories`: the truth.
 * level       who sees it: `user` (lasting), `session` (gone with the session), `agent` (an agent's own).
 * state       a memory of any type but `interaction`; told again it merges into the one that stands.
 * event       a memory of type `interaction`; every one is kept.
 * slot        what a `key` names: a newer state with the same key retires the older one.
 * retired     closed by a newer state: `validTo` is set. Left out of searches, still in the history.
 * version     a number from one global sequence, new with every change that readers or the index may see.
 * index       vectors in Qdrant or pgvector, which follow the rows and can be rebuilt from them.
 * target      one index that follows the rows (a model, its dimensions, its collection).
 * outbox      the set of (topic, key) whose index may differ from its row.
 * claim       taking work from the outbox under a lease; converge: making the index agree with the rows.
 * doubt       an effect whose outcome is unknown may still land; its work row stays until it cannot.
 * keyed       of a write: its client gave an Idempotency-Key and may send it again; its answer is kept beside its effect.
 * tenant      the hash that every point carries, so that one search never sees another user's points.
 */

import type { Trust } from "./conversation.ts";

export const LEVELS = ["user", "session", "agent"] as const;
export type Level = (typeof LEVELS)[number];

/** The types that have a meaning of their own; any other name of a type is as good. */
export const KNOWN_TYPES = ["fact", "preference", "interaction", "metadata", "pattern"] as const;
/** The one type whose memories are events: never merged, never in a slot. */
export const EVENT_TYPE = "interaction";

export type IndexStatus = "pending" | "indexed" | "failed";
export type Metadata = Record<string, unknown>;

/** A memory as it is read. Ids are bare UUIDs inside; `formatMemoryId` makes the `mem_…` of the wire. */
export interface Memory {
  readonly id: string;
  readonly projectId: string;
  readonly userId: string | null;
  readonly agentId: string | null;
  readonly sessionId: string | null;
  readonly level: Level;
  readonly type: string;
  readonly key: string | null;
  readonly content: string;
  readonly metadata: Metadata;
  /** 0..1, or null where nobody said. */
  readonly importance: number | null;
  readonly categories: readonly string[];
  readonly occurredAt: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly expiresAt: Date | null;
  readonly validFrom: Date;
  readonly validTo: Date | null;
  readonly supersededBy: string | null;
  readonly seenCount: number;
  readonly version: number;
  readonly indexStatus: IndexStatus;
  /** Of a memory that was made of talk, where it is looked for (`findMemories`, `recentMemories`): whose word it is. */
  readonly trust?: Trust;
}

/** A memory to be put: content normalised (`normalizeContent`), everything validated. */
export interface MemoryDraft {
  readonly id: string;
  readonly projectId: string;
  readonly userId: string | null;
  readonly agentId: string | null;
  readonly sessionId: string | null;
  readonly level: Level;
  readonly type: string;
  readonly key: string | null;
  readonly content: string;
  readonly metadata: Metadata;
  readonly importance: number | null;
  readonly categories: readonly string[];
  /** Null: now. */
  readonly occurredAt: Date | null;
  /** Null: never. */
  readonly expiresAt: Date | null;
  readonly requestId: string | null;
  /** Where it comes from, of a memory that was made of talk. */
  readonly source?: MemorySource;
  /** The put keeps its answer under this key, and throws `conflict` over the key when it is taken. */
  readonly keyed?: KeyedWrite | undefined;
}

/** What a memory stands on that nobody wrote as it is. */
export interface MemorySource {
  readonly messageIds: readonly string[];
  /** Plain JSON: who said it, what read it. */
  readonly provenance: Metadata;
  /** Since when it holds: when it was said. */
  readonly validFrom: Date;
}

/** A write that its client may send again: two digests, in hex. */
export interface KeyedWrite {
  /** Of the Idempotency-Key and its holder. */
  readonly key: string;
  /** Of what is asked: method, path, body. */
  readonly request: string;
  /** True: of the memory that is put only the id is kept, so that the answer outlives it (an item of a bulk). */
  readonly idOnly?: boolean;
}

/** What became of a draft: the memory that now holds the content, and whether it is new. */
export interface PutResult {
  readonly memory: Memory;
  readonly created: boolean;
}

/** A change of a memory: what is absent stays. `null` clears what can be cleared. */
export interface MemoryPatch {
  readonly content?: string;
  readonly type?: string;
  readonly key?: string | null;
  readonly metadata?: Metadata;
  /** True: `metadata` is merged into what stands (PATCH); false: it takes its place (PUT). */
  readonly mergeMetadata: boolean;
  readonly importance?: number | null;
  readonly categories?: readonly string[];
  readonly occurredAt?: Date;
  readonly expiresAt?: Date | null;
}

/** Who asks, for the history and the logs. */
export interface Actor {
  readonly requestId: string | null;
  /** A key's id or a worker's name; never the key itself. */
  readonly name: string | null;
}

export const HISTORY_EVENTS = ["created", "updated", "superseded", "restored"] as const;
export type HistoryEvent = (typeof HISTORY_EVENTS)[number];

/** One version in a memory's life: what made it, and what it looked like. */
export interface MemoryVersion {
  readonly version: number;
  readonly event: HistoryEvent;
  readonly actor: string | null;
  readonly requestId: string | null;
  readonly at: Date;
  readonly memory: Omit<Memory, "indexStatus">;
}
