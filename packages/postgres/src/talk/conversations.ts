import type { Conversations } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { racing } from "../racing.ts";
import { add } from "./add.ts";
import { getEvent, sweepEvents } from "./events.ts";
import { findMessages, searchMessages, turns } from "./messages.ts";

/** The talk in PostgreSQL. A message waits `debounceMs` for others that are extracted by the same call of a model. */
export function createConversations(db: Executor, options: { readonly debounceMs: number }): Conversations {
  return {
    add: (draft) => racing(() => add(db, draft, options.debounceMs)),
    getEvent: (projectId, id) => getEvent(db, projectId, id),
    turns: (speaker, limit) => turns(db, speaker, limit),
    searchText: (query, filter, limit) => searchMessages(db, query, filter, limit),
    findMessages: (ids, filter) => findMessages(db, ids, filter),
    sweepEvents: () => sweepEvents(db),
  };
}
