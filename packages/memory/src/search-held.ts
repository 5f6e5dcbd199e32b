import type { Memory } from "./memory.ts";
import { search, type SearchDeps, type SearchRequest, type SearchResult } from "./search.ts";
import { seenRows } from "./working-set/seen-rows.ts";

/**
 * A search through what is held as of the last look; the statement that reads its rows tells whether anything had changed
 * since. Nothing has, as a rule, and then one statement was all that the database was asked. Undefined: something had, or
 * nobody is held, or no row was asked for; nothing is to be concluded from that. Never throws.
 */
export async function searchHeld(
  deps: SearchDeps,
  request: SearchRequest,
): Promise<(SearchResult & { readonly talkWaits: boolean }) | undefined> {
  if (deps.workingSets === undefined || request.query === undefined) return undefined;
  try {
    const { collection } = await deps.live();
    const glance = deps.workingSets.glance(request.filter, collection);
    if (glance === undefined) return undefined;
    let talkWaits: boolean | undefined;
    const findMemories = async (...[ids, filter]: Parameters<typeof glance.join>): Promise<readonly Memory[]> => {
      const joined = await glance.join(ids, filter);
      if (!joined.isCurrent) throw new Error("The set is out of date");
      talkWaits = joined.talkWaits || talkWaits === true;
      return joined.memories;
    };
    const held = { set: glance.set, seen: seenRows(glance.set, request.filter, new Date()), talkWaits: false };
    const store = { ...deps.store, findMemories };
    const result = await search({ ...deps, store }, request, Promise.resolve(held));
    return talkWaits === undefined ? undefined : { ...result, talkWaits };
  } catch {
    return undefined;
  }
}
