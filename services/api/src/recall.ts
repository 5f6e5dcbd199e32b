import {
  buildContext,
  EVENT_TYPE,
  formatMemoryId,
  formatMessageId,
  searchAll,
  type Context,
  type ContextItem,
  type Found,
  type Memory,
  type MemoryFilter,
  type Scope,
} from "@engram/memory";
import type { ApiDeps } from "./app.ts";
import { tokenCounter } from "./count-tokens.ts";

export const TOKEN_BUDGET_DEFAULT = 800;
/** Looked at for a profile, and as many for what happened lately, so that neither takes the other's place. */
const POOL = 60;
const RELEVANT_MAX = 20;
/** Of `relevance_score`: below it a memory is about something else, and costs tokens all the same. */
const RELEVANCE_MIN = 0.3;
/** Of the words that memories are looked for with: the end of a long message asks as a rule. */
const QUERY_CHARACTERS_MAX = 2_000;

export interface RecallRequest {
  readonly scope: Omit<Scope, "exact">;
  /** What the talk is about now; absent: nothing in particular. */
  readonly query?: string;
  readonly tokenBudget: number;
}

/** What is known of somebody, for a prompt. No model is asked; a slow embedder costs its deadline at most. */
export async function recall(
  { search, sockets }: ApiDeps,
  { scope, query, tokenBudget }: RecallRequest,
): Promise<Context> {
  const filter: MemoryFilter = { scope: { ...scope, exact: false } };
  const [profile, recent, found, countTokens] = await Promise.all([
    sockets.store.profileMemories(filter, POOL),
    sockets.store.recentMemories({ ...filter, types: [EVENT_TYPE] }, POOL),
    query === undefined || query.trim() === ""
      ? []
      : searchAll(search, sockets.conversations, {
          filter,
          query: query.slice(-QUERY_CHARACTERS_MAX).replaceAll("\0", " ").toWellFormed(),
          limit: RELEVANT_MAX,
          threshold: RELEVANCE_MIN,
          strict: false,
        }).then((result) => result.found),
    tokenCounter(),
  ]);
  return buildContext(
    { profile: profile.map(toItem), relevant: found.map(foundItem), recent: recent.map(toItem) },
    { now: new Date(), tokenBudget, countTokens },
  );
}

function toItem({ id, content, type, occurredAt, validFrom, trust }: Memory): ContextItem {
  return {
    id: formatMemoryId(id),
    text: content,
    type,
    at: type === EVENT_TYPE ? occurredAt : validFrom,
    ...(trust === undefined ? {} : { trust }),
  };
}

function foundItem(found: Found): ContextItem {
  if (found.kind === "memory") return toItem(found.memory);
  const { id, role, content, saidAt } = found.message;
  return { id: formatMessageId(id), text: `${role} said: ${content}`, type: "message", at: saidAt };
}
