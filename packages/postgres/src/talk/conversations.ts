import { createGroupCommit, tenantOf, type AddDraft, type AddEvent, type Conversations } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { racing } from "../racing.ts";
import { addNew, type Call } from "./add-new.ts";
import { add } from "./add.ts";
import { getEvent, sweepEvents } from "./events.ts";
import { findMessages, searchMessages, turns } from "./messages.ts";

/** Calls of one statement. */
const GROUP_SIZE_MAX = 64;
/** More messages are a history that is sent again, of which most is known; more characters (UTF-16) are worth a statement of their own. */
const GROUPED_MESSAGES_MAX = 4;
const GROUPED_CHARACTERS_MAX = 16_384;

/** The talk in PostgreSQL. A message waits `debounceMs` for others that are extracted by the same call of a model. */
export function createConversations(db: Executor, { debounceMs }: { readonly debounceMs: number }): Conversations {
  const addGrouped = createGroupedAdd(db, debounceMs);
  return {
    async add(draft) {
      const event = mayBeNew(draft) ? await addGrouped(draft) : undefined;
      return event ?? racing(() => add(db, draft, debounceMs));
    },
    getEvent: (projectId, id) => getEvent(db, projectId, id),
    turns: (speaker, limit) => turns(db, speaker, limit),
    searchText: (readQuery, filter, limit) => searchMessages(db, readQuery, filter, limit),
    findMessages: (ids, filter) => findMessages(db, ids, filter),
    sweepEvents: () => sweepEvents(db),
  };
}

function mayBeNew({ infer, messages }: AddDraft): boolean {
  const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
  return (
    infer && messages.length > 0 && messages.length <= GROUPED_MESSAGES_MAX && characters <= GROUPED_CHARACTERS_MAX
  );
}

/**
 * Calls that arrive together share a statement, as direct writes do; one owner's go one after another, as their work row in
 * the outbox would have it anyway. So nobody here races with himself, and who waits for a lock holds up one group alone.
 */
function createGroupedAdd(db: Executor, debounceMs: number): (draft: AddDraft) => Promise<AddEvent | undefined> {
  const busy = new Set<string>();
  const calls = createGroupCommit<Call, AddEvent | undefined>({
    choose(waiting) {
      const firsts = new Map<string, Call>();
      for (const call of waiting) if (!busy.has(call.owner) && !firsts.has(call.owner)) firsts.set(call.owner, call);
      return [...firsts.values()].slice(0, GROUP_SIZE_MAX);
    },
    async write(group) {
      for (const { owner } of group) busy.add(owner);
      try {
        return await racing(() => addNew(db, group, debounceMs));
      } finally {
        for (const { owner } of group) busy.delete(owner);
      }
    },
  });
  return (draft) => calls.put({ draft, owner: tenantOf(draft.speaker) });
}
