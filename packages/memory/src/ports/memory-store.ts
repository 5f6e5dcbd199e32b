import type { Actor, KeyedWrite, Memory, MemoryDraft, MemoryPatch, MemoryVersion, PutResult } from "../memory.ts";
import type { RetentionCount, RetentionRules } from "../retention.ts";
import type { MemoryFilter, Owner } from "../scope.ts";
import type { IndexableMemory } from "./vector-index.ts";

export const SORTS = ["created_at", "-created_at", "importance", "updated_at"] as const;
export type Sort = (typeof SORTS)[number];

export interface ListQuery {
  readonly filter: MemoryFilter;
  readonly sort: Sort;
  readonly limit: number;
  readonly offset: number;
  /** Opaque, from an earlier page's `nextCursor`; it wins over `offset`. A bad one throws `invalid`. */
  readonly cursor?: string;
}

export interface MemoryPage {
  readonly memories: readonly Memory[];
  readonly total: number;
  readonly nextCursor: string | null;
}

/** Days that a question names. */
export interface DayTerm {
  /** The words of the question that name them. */
  readonly words: string;
  /** A memory of those days carries any of them. */
  readonly lexemes: readonly string[];
}

/** What a question is looked up by in the words of memories. */
export interface TextQuery {
  readonly text: string;
  readonly days: readonly DayTerm[];
  /** Words that are worth a little in a memory that is found by others; empty: none. */
  readonly marks: string;
}

/** One thing that a question asks for. */
export interface TextTerm {
  /** A memory that has any of them has it. */
  readonly lexemes: readonly string[];
  /** True: days, which a memory also has by when it was, and not only by its words. */
  readonly isDay: boolean;
}

/** A question as lexemes: what the truth's stemmers make of it. */
export interface AnalysedQuery {
  readonly terms: readonly string[];
  /** Groups of them that are one word: what several languages make of it. */
  readonly alike: readonly (readonly string[])[];
  /** Of the words of each day that the question names. */
  readonly dayWords: readonly (readonly string[])[];
  readonly marks: readonly string[];
}

/** Where a lexeme stands: at which places, and how often at each of them. */
export interface Postings {
  readonly places: ArrayLike<number>;
  readonly counts: ArrayLike<number>;
}

/** That the row at `others[n]` was told `steps[n]` before (-1 to -3) or after (1 to 3) the hit at `hits[n]`. */
export interface Neighbours {
  readonly hits: ArrayLike<number>;
  readonly others: ArrayLike<number>;
  readonly steps: ArrayLike<number>;
}

/**
 * The text arm's answer: what BM25 needs to know of rows that share a word with a query, and the statistics of everything
 * that the caller sees. In lists side by side, since of a thousand rows ten are wanted: the place n of each is of one row.
 */
export interface TextHits {
  /** Of the hits, of those that stand beside them, and it may be of others, which are nothing to the query. */
  readonly ids: readonly string[];
  /** At which places the hits are, each once. */
  readonly hits: ArrayLike<number>;
  /** Lexemes in the row; this and what follows is known of the hits. */
  readonly lengths: ArrayLike<number>;
  /** 1: a turn of a talk, an event that opens with the name of who speaks. A statement `label: value` is none. */
  readonly turns: ArrayLike<number>;
  /** 1: it has one of the query's marks. */
  readonly marked: ArrayLike<number>;
  /** Of the lexemes of terms and speakers the hits that have them; the counts are above 0. */
  readonly postings: ReadonlyMap<string, Postings>;
  /**
   * Up to three that were told before and after each of the best hits in its session, of those that the filter lets through:
   * events beside an event, statements beside a statement.
   */
  readonly neighbours: Neighbours;
  /** Of the query, stop words left out. */
  readonly terms: readonly TextTerm[];
  /** Rows that the caller sees, and the mean of their lengths. */
  readonly documents: number;
  readonly averageLength: number;
  /** In how many of those rows each lexeme of a term or a speaker stands. */
  readonly documentFrequencies: ReadonlyMap<string, number>;
}

/**
 * The memories: PostgreSQL, or PGlite under the same SQL. Every method is one statement and one round trip. One that is
 * handed a keyed write keeps its answer in that statement, and throws `keyTaken` without any effect when the key is taken.
 */
export interface MemoryStore {
  /** Puts a group in one commit; answers in the order of the drafts. No two drafts may name one slot with different contents. */
  putMemories(drafts: readonly MemoryDraft[]): Promise<readonly PutResult[]>;
  getMemory(projectId: string, id: string): Promise<Memory | undefined>;
  /** Rows among `ids` that the filter lets through, live ones only; in no order. */
  findMemories(ids: readonly string[], filter: MemoryFilter): Promise<readonly Memory[]>;
  /** Ids of what the filter lets through, at most so many, in no order. */
  findIds(filter: MemoryFilter, limit: number): Promise<readonly string[]>;
  listMemories(query: ListQuery): Promise<MemoryPage>;
  /** Newest and most important of what the filter lets through, `sessionId`'s own first. */
  recentMemories(filter: MemoryFilter, limit: number): Promise<readonly Memory[]>;
  /** States of what the filter lets through, whichever session told them: the most important first, then the newest. */
  profileMemories(filter: MemoryFilter, limit: number): Promise<readonly Memory[]>;
  /** What words and stems the query is looked up by; the same ones are answered from memory. */
  analyseQuery(query: TextQuery): Promise<AnalysedQuery>;
  searchText(query: TextQuery, filter: MemoryFilter, limit: number): Promise<TextHits>;
  /** Whose is what the filter lets through, for a search that names no user; whose newest is newest first, at most `limit`. */
  findOwners(filter: MemoryFilter, limit: number): Promise<readonly Owner[]>;
  /** Undefined: absent. Throws `conflict` (with the other's id in `details`) when the new text already stands. */
  updateMemory(
    projectId: string,
    id: string,
    patch: MemoryPatch,
    actor: Actor,
    keyed?: KeyedWrite,
  ): Promise<Memory | undefined>;
  /**
   * Undoes a retirement, and ends all that followed the memory; restoring one of those leaves every day as it was.
   * Undefined: absent. Throws `conflict` (with the other's id in `details`) when its text stands in another memory.
   */
  restoreMemory(projectId: string, id: string, actor: Actor): Promise<Memory | undefined>;
  deleteMemory(projectId: string, id: string, actor: Actor, keyed?: KeyedWrite): Promise<boolean>;
  /** How many; in chunks. A keyed one that is run again goes on where it stopped, and counts from its beginning. */
  deleteMemories(filter: MemoryFilter, actor: Actor, keyed?: KeyedWrite): Promise<number>;
  /** Newest first; undefined when the memory is absent. */
  getHistory(projectId: string, id: string): Promise<readonly MemoryVersion[] | undefined>;
  /** The row as `converge` needs it, whatever its state; absent and expired rows are left out. */
  readIndexable(ids: readonly string[]): Promise<readonly IndexableMemory[]>;
  /** Memories picked at random among the live ones, for a look at the index. */
  sampleMemories(limit: number): Promise<readonly Memory[]>;
  /** What a project keeps: memories that a listing shows, users who have any, messages that wait to be read. */
  count(projectId: string): Promise<{ memories: number; users: number; messagesWaiting: number }>;
  /** Deletes a chunk of the memories of sessions in which nothing was said for so long. */
  sweepSessions(idleSeconds: number): Promise<{ deleted: number; more: boolean }>;
  /** What the rules would delete at this moment, by type and level. */
  previewRetention(projectId: string, rules: RetentionRules): Promise<readonly RetentionCount[]>;
  /** Deletes a chunk of what the rules let go, of all projects. */
  sweepRetention(rules: RetentionRules): Promise<{ deleted: number; more: boolean }>;
  /** Deletes a chunk of what has expired. */
  sweepExpired(): Promise<{ deleted: number; more: boolean }>;
}
