import type { Message } from "./conversation.ts";
import { withDisplaced } from "./explain.ts";
import { fuse } from "./fuse.ts";
import { lexicalScores } from "./lexical.ts";
import type { Memory } from "./memory.ts";
import type { Conversations, TextQuery } from "./ports/index.ts";
import { holdRows, searchHeld } from "./search-held.ts";
import type { Degradation, SearchDeps, SearchRequest, SearchResult } from "./search-request.ts";
import { search } from "./search.ts";
import { textQueryOf } from "./text-query.ts";

/** Messages with a word in common that are looked at; those that wait for their extraction are few. */
const MESSAGES_POOL = 50;

export type Found =
  | { readonly kind: "memory"; readonly memory: Memory; readonly score: number }
  | { readonly kind: "message"; readonly message: Message; readonly score: number; readonly lexical: number };

type AllFound = Omit<SearchResult, "memories"> & { readonly found: readonly Found[] };

/**
 * A search over memories and over what was said and is not extracted yet: that is found by its words, on the scale of
 * words that stand alone, and ranked among the memories by its score. It is waited for as long as the memories are, and until
 * the deadline.
 */
export async function searchAll(
  deps: SearchDeps,
  conversations: Pick<Conversations, "searchText" | "findMessages">,
  request: SearchRequest,
): Promise<AllFound> {
  const ending = startTimer(deps.deadlineMs);
  try {
    const sooner = await searchHeld(deps, request, ending.signal);
    if (sooner !== undefined) return withMessages(request, sooner, []);
    const holding = holdRows(deps, request);
    const answering = search(deps, request, { holding, deadline: ending.signal });
    const talk = holding.then((held) => searchMessages(conversations, request, held));
    const late = Promise.all([answering, ending.passed]).then(() => undefined);
    const [result, inTime] = await Promise.all([answering, Promise.race([talk, late])]);
    return withMessages(request, result, inTime);
  } finally {
    ending.clear();
  }
}

/** Undefined: the messages did not come in time. */
function withMessages(
  { limit }: SearchRequest,
  { memories, ...told }: SearchResult,
  messages: readonly Found[] | undefined,
): AllFound {
  const found = [
    ...memories.map((memory) => ({ kind: "memory", memory, score: memory.score }) as const),
    ...(messages ?? []),
  ].toSorted((left, right) => right.score - left.score);
  const degraded = messages === undefined ? [...told.degraded, WITHOUT_MESSAGES] : told.degraded;
  const answer = { ...told, degraded, found: found.slice(0, limit) };
  if (told.explanation === undefined) return answer;
  const displaced = found
    .slice(limit)
    .flatMap((one) => (one.kind === "memory" ? { id: one.memory.id, score: one.score } : []));
  return { ...answer, explanation: withDisplaced(told.explanation, displaced) };
}

/** To be cleared: until its time, a timer holds all that the search has found. */
function startTimer(ms: number) {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    controller.abort();
    resolve();
  }, ms).unref();
  return { signal: controller.signal, passed: promise, clear: () => clearTimeout(timer) };
}

const WITHOUT_MESSAGES: Degradation = { code: "deadline", message: "No messages in time; memories answer alone" };

async function searchMessages(
  conversations: Pick<Conversations, "searchText" | "findMessages">,
  { query, queryTime, utcOffsetMinutes, filter, limit, threshold }: SearchRequest,
  held: { readonly talkWaits: boolean } | undefined,
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
