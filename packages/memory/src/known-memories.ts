import type { Speaker } from "./conversation.ts";
import { lexicalScores } from "./lexical.ts";
import { wordsOfMatters } from "./matters.ts";
import { EVENT_TYPE, type Memory } from "./memory.ts";
import type { ExtractionBatch, MemoryStore } from "./ports/index.ts";
import type { MemoryFilter, Scope } from "./scope.ts";
import { textQueryOf } from "./text-query.ts";

/** What is shown to a model, which is paid by the token: 1,000 bytes are 250 of them. Rules read what there is. */
const SHOWN_TO_MODEL = { max: 12, bytesMax: 1_000 };
const SHOWN_TO_RULES = { max: 64, bytesMax: Number.POSITIVE_INFINITY };
/** Looked at, of those that share a word with the talk. */
const CANDIDATES_MAX = 40;
const NEWEST_MAX = 4;
/** Of the talk that known memories are looked for with. */
const TOPIC_CHARACTERS_MAX = 4_000;

/** Events do not end, and are not told again. */
const STATES = { op: "not", of: { op: "eq", field: { column: "type" }, value: EVENT_TYPE } } as const;

export type KnownStore = Pick<MemoryStore, "searchText" | "findMemories" | "recentMemories">;

/**
 * The owner's own standing states that the talk may repeat or end, as many as fit: in turns the best of those that share
 * words with it, of those about the same matter in other words (`wordsOfMatters`), and the newest.
 */
export async function findKnown(
  store: KnownStore,
  { speaker, messages }: Pick<ExtractionBatch, "speaker" | "messages">,
  { offline }: { readonly offline: boolean },
): Promise<readonly Memory[]> {
  const scope = ownOf(speaker);
  if (scope === undefined) return [];
  const filter: MemoryFilter = { scope, condition: STATES };
  const talk = messages.map((message) => message.content).join("\n");
  const [alike, ofMatters, newest] = await Promise.all([
    searchKnown(store, talk.slice(-TOPIC_CHARACTERS_MAX).toWellFormed(), filter),
    searchKnown(store, wordsOfMatters(talk), filter),
    store.recentMemories(filter, NEWEST_MAX),
  ]);
  return takeFitting(inTurns([alike, ofMatters, newest]), offline ? SHOWN_TO_RULES : SHOWN_TO_MODEL);
}

/** Whose memories are shown: those of whom the results will be, and nobody else's, since "same" tells them again. */
function ownOf({ projectId, userId, agentId }: Speaker): Scope | undefined {
  if (userId !== null) return { projectId, userId, level: "user", exact: true };
  // Not exact: what an agent knows of one of its users is that user's, and not told to the others.
  return agentId === null ? undefined : { projectId, agentId, level: "agent", exact: false };
}

/** Best first. */
async function searchKnown(store: KnownStore, text: string, filter: MemoryFilter): Promise<readonly Memory[]> {
  if (text === "") return [];
  const scores = lexicalScores(await store.searchText(textQueryOf(text, new Date()), filter, CANDIDATES_MAX));
  const best = [...scores]
    .toSorted(([left, leftScore], [right, rightScore]) => rightScore - leftScore || (left < right ? -1 : 1))
    .map(([id]) => id);
  const found = new Map((await store.findMemories(best, filter)).map((memory) => [memory.id, memory]));
  return best.flatMap((id) => found.get(id) ?? []);
}

/** The first of each list, then the second of each, …; nothing twice. */
function inTurns(lists: readonly (readonly Memory[])[]): readonly Memory[] {
  const longest = Math.max(...lists.map((list) => list.length));
  const all = Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list[i] ?? [])).flat();
  return [...new Map(all.map((memory) => [memory.id, memory])).values()];
}

/** What does not fit is passed over, and takes no room from the next. */
function takeFitting(
  memories: readonly Memory[],
  { max, bytesMax }: { readonly max: number; readonly bytesMax: number },
): readonly Memory[] {
  const taken: Memory[] = [];
  let left = bytesMax;
  for (const memory of memories) {
    const bytes = Buffer.byteLength(memory.content);
    if (taken.length >= max || bytes > left) continue;
    left -= bytes;
    taken.push(memory);
  }
  return taken;
}
