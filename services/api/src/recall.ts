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

export const TOKEN_BUDGET_DEFAULT = 800;
/** Looked at for a profile and for what happened lately. */
const RECENT_POOL = 60;
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
  const [newest, found, countTokens] = await Promise.all([
    sockets.store.recentMemories(filter, RECENT_POOL),
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
  const profile = newest.filter((memory) => memory.type !== EVENT_TYPE);
  const recent = newest.filter((memory) => memory.type === EVENT_TYPE);
  return buildContext(
    { profile: profile.toSorted(byWeight).map(toItem), relevant: found.map(foundItem), recent: recent.map(toItem) },
    { now: new Date(), tokenBudget, countTokens },
  );
}

/** The encoding of OpenAI's current models; another's counts differ by a few in a hundred. Loaded when it is first asked for. */
export async function tokenCounter(): Promise<(text: string) => number> {
  const { countTokens } = await import("gpt-tokenizer/encoding/o200k_base");
  // What looks like a special token in a text is text.
  return (text) => countTokens(text, { disallowedSpecial: new Set() });
}

/** The most important first, then the newest; ids last, so that the order is one. */
function byWeight(left: Memory, right: Memory): number {
  return (
    (right.importance ?? 0.5) - (left.importance ?? 0.5) ||
    right.validFrom.getTime() - left.validFrom.getTime() ||
    (left.id < right.id ? -1 : 1)
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
