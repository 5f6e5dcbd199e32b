import type { AddDraft, AddEvent, Message, Speaker } from "../conversation.ts";
import type { MemoryFilter } from "../scope.ts";
import type { TextHits, TextQuery } from "./memory-store.ts";

/** How long a client may ask what became of a call. */
export const EVENT_DAYS = 30;

/** The talk: messages that are kept, and what becomes of each call of `add`. */
export interface Conversations {
  /**
   * Keeps the messages that were not seen before, and asks for their extraction, in one commit. An exchange of which all
   * is known costs nothing more: its event has the memories that came of it. What the user says again at the end of a call,
   * after all that came of it was replaced, is not known. With `infer: false` the event is done.
   */
  add(draft: AddDraft): Promise<AddEvent>;
  /** Undefined: absent, or another project's. */
  getEvent(projectId: string, id: string): Promise<AddEvent | undefined>;
  /** The latest turns of a session in their order, extracted or not; blanked ones are left out. */
  turns(speaker: Speaker, limit: number): Promise<readonly Message[]>;
  /**
   * Messages that wait for their extraction and share a word with the query, as the filter's caller sees them. The query is
   * read only where some may wait, which is seldom.
   */
  searchText(readQuery: () => TextQuery, filter: MemoryFilter, limit: number): Promise<TextHits>;
  findMessages(ids: readonly string[], filter: MemoryFilter): Promise<readonly Message[]>;
  /**
   * Takes away events that have been complete for `EVENT_DAYS`, one chunk; of a message that could not be read and has an end,
   * when it has come, and the words too.
   */
  sweepEvents(): Promise<{ deleted: number; more: boolean }>;
}
