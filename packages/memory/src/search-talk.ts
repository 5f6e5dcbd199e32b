import type { Message } from "./conversation.ts";
import { withDisplaced } from "./explain.ts";
import { fuse } from "./fuse.ts";
import { lexicalScores } from "./lexical.ts";
import type { Memory } from "./memory.ts";
import type { Conversations, TextQuery } from "./ports/index.ts";
import {
  holdRows,
  search,
  type Degradation,
  type HeldRows,
  type SearchDeps,
  type SearchRequest,
  type SearchResult,
} from "./search.ts";
import { textQueryOf } from "./text-query.ts";

/** Messages with a word in common that are looked at; those that wait for their extraction are few. */
const MESSAGES_POOL = 50;

export type Found =
  | { readonly kind: "memory"; readonly memory: Memory; readonly score: number }
  | { readonly kind: "message"; readonly message: Message; readonly score: number; readonly lexical: number };

/**
 * A search over memories and over what was said and is not extracted yet: that is found by its words, on the scale of
 * words that stand alone, and ranked among the memories by its score. It is waited for as long as the memories are, and until
 * the deadline.
 */
export async function searchAll(
  deps: SearchDeps,
  conversations: Pick<Conversations, "searchText" | "findMessages">,
  request: SearchRequest,
): Promise<Omit<SearchResult, "memories"> & { readonly found: readonly Found[] }> {
  const holding = holdRows(deps, request);
  const answering = search(deps, request, holding);
  const deadline = startTimer(deps.deadlineMs);
  const late = Promise.all([answering, deadline.passed]).then(() => undefined);
  const [result, inTime] = await Promise.all([
    answering,
    Promise.race([holding.then((held) => searchMessages(conversations, request, held)), late]),
  ]).finally(deadline.clear);
  const { memories, ...told } = result;
  const messages = inTime ?? [];
  const found = [
    ...memories.map((memory) => ({ kind: "memory", memory, score: memory.score }) as const),
    ...messages,
  ].toSorted((left, right) => right.score - left.score);
  const degraded = inTime === undefined ? [...told.degraded, WITHOUT_MESSAGES] : told.degraded;
  const answer = { ...told, degraded, found: found.slice(0, request.limit) };
  if (told.explanation === undefined) return answer;
  const displaced = found
    .slice(request.limit)
    .flatMap((one) => (one.kind === "memory" ? { id: one.memory.id, score: one.score } : []));
  return { ...answer, explanation: withDisplaced(told.explanation, displaced) };
}

/** To be cleared: until its time, a timer holds all that the search has found. */
function startTimer(ms: number): { readonly passed: Promise<void>; readonly clear: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms).unref();
  return { passed: promise, clear: () => clearTimeout(timer) };
}

const WITHOUT_MESSAGES: Degradation = { code: "deadline", message: "No messages in time; memories answer alone" };

async function searchMessages(
  conversations: Pick<Conversations, "searchText" | "findMessages">,
  { query, queryTime, utcOffsetMinutes, filter, limit, threshold }: SearchRequest,
  held: HeldRows | undefined,
): Promise<readonly Found[]> {
  if (query === undefined || held?.talkWaits === false) return [];
  const readQuery = (): TextQuery => textQueryOf(query, queryTime ?? new Date(), utcOffsetMinutes);
  const text = await conversations.searchText(readQuery, filter, MESSAGES_POOL);
  const ranked = fuse({ vectorHits: undefined, textScores: lexicalScores(text), calibration: null })
    .filter((one) => one.score >= threshold)
    .slice(0, limit);
  if (ranked.length === 0) return [];
  const rows = new Map(
    (
      await conversations.findMessages(
        ranked.map((one) => one.id),
        filter,
      )
    ).map((message) => [message.id, message]),
  );
  return ranked.flatMap(({ id, score, lexical = 0 }) => {
    const message = rows.get(id);
    return message === undefined ? [] : [{ kind: "message", message, score, lexical } as const];
  });
}
