import { beforeDeadline } from "./arms.ts";
import type { Memory } from "./memory.ts";
import type { MemoryFilter } from "./scope.ts";
import type { SearchDeps, SearchRequest, SearchResult } from "./search-request.ts";
import { search } from "./search.ts";
import { seenRows, type HeldRows } from "./working-set/seen-rows.ts";

/** Of the time that a search has, a poll may take no more: the stores are to be in time too. */
const SHARE_OF_POLL = 0.25;

/** What is held of those who are asked about, for a request with a query. Undefined: the stores are asked. Never throws. */
export async function holdRows(
  deps: SearchDeps,
  { query, filter }: SearchRequest,
): Promise<(HeldRows & { readonly talkWaits: boolean }) | undefined> {
  if (deps.workingSets === undefined || query === undefined) return undefined;
  try {
    const { collection } = await deps.live();
    const finding = deps.workingSets.find(filter, collection);
    const found = await beforeDeadline(finding, AbortSignal.timeout(Math.ceil(deps.deadlineMs * SHARE_OF_POLL)));
    return found && { set: found.set, seen: seenRows(found.set, filter, found.now), talkWaits: found.talkWaits };
  } catch {
    // The stores tell what is the matter.
    return undefined;
  }
}

class OutOfDate extends Error {}

/**
 * A search through what is held as of the last poll; the statement that reads its rows tells whether anything had changed
 * since. Nothing has, as a rule, and then one statement was all that the database was asked. Undefined: something had, or
 * nobody is held; nothing is to be concluded from that. Throws what `search` throws.
 */
export async function searchHeld(
  deps: SearchDeps,
  request: SearchRequest,
  deadline: AbortSignal,
): Promise<SearchResult | undefined> {
  const { query, filter } = request;
  if (deps.workingSets === undefined || query === undefined) return undefined;
  const { collection } = await deps.live();
  const peek = await deps.workingSets.peek(filter, collection);
  if (peek === undefined) return undefined;
  const held = { set: peek.set, seen: seenRows(peek.set, filter, peek.now) };
  let isJoined = false;
  const findMemories = async (ids: readonly string[], joined: MemoryFilter): Promise<readonly Memory[]> => {
    const { memories, isCurrent } = await peek.join(ids, held.seen, joined);
    if (!isCurrent) throw new OutOfDate();
    isJoined = true;
    return memories;
  };
  try {
    const joining = { ...deps, store: { ...deps.store, findMemories } };
    const result = await search(joining, request, { holding: Promise.resolve(held), deadline });
    if (!isJoined) await findMemories([], filter);
    return result;
  } catch (error) {
    if (error instanceof OutOfDate) return undefined;
    throw error;
  }
}
