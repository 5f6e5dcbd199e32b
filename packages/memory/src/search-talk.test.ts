import { setTimeout as until } from "node:timers/promises";
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { toTextHits } from "../test/text-hits.ts";
import type { Message } from "./conversation.ts";
import { DEFAULT_PROJECT_ID } from "./ids.ts";
import type { Memory } from "./memory.ts";
import type { Conversations, Embedder, IndexTarget, MemoryStore, TextHits, VectorIndex } from "./ports/index.ts";
import { createQueryVectors } from "./query-vectors.ts";
import { searchAll } from "./search-talk.ts";
import type { SearchDeps, SearchRequest } from "./search-request.ts";
import { emptySet } from "./working-set/working-set.ts";

const [first = "", second = "", third = ""] = ["a", "b", "c"].map(
  (last) => `00000000-0000-7000-8000-00000000000${last}`,
);
const DEADLINE_MS = 30;
const MESSAGE = "00000000-0000-7000-8000-00000000000d";
const hitsOf = (...counts: readonly (readonly [id: string, count: number])[]): TextHits =>
  toTextHits({
    hits: counts.map(([id, count]) => ({
      id,
      length: 10,
      frequencies: { tea: count },
      isTurn: false,
      isMarked: false,
      before: [],
      after: [],
    })),
    terms: [{ lexemes: ["tea"], isDay: false }],
    documents: 10,
    averageLength: 10,
    documentFrequencies: new Map([["tea", counts.length]]),
  });
const words = hitsOf([first, 4], [second, 2], [third, 1]);
const said = hitsOf([MESSAGE, 3]);
const request: SearchRequest = {
  filter: { scope: { projectId: DEFAULT_PROJECT_ID, userId: "u", exact: false } },
  query: "tea",
  limit: 2,
  threshold: 0,
  strict: false,
};

/** A database of three memories and one message; there is no index. */
function worldOf({
  searchText = () => Promise.resolve(words),
}: { searchText?: () => Promise<TextHits> } = {}): SearchDeps {
  const rowOf = (id: string) => ({ id, content: id, type: "fact", userId: "u", version: 1 }) as Memory;
  const store = { searchText, findMemories: (ids: readonly string[]) => Promise.resolve(ids.map(rowOf)) };
  return {
    store: store as unknown as MemoryStore,
    index: {} as VectorIndex,
    live: () => Promise.resolve({ target: {} as IndexTarget, collection: undefined, embedder: {} as Embedder }),
    queryVectors: createQueryVectors({ timeoutMs: 1_000 }),
    deadlineMs: DEADLINE_MS,
  };
}
const talkOf = (searchText: () => Promise<TextHits>) =>
  ({
    searchText,
    findMessages: (ids: readonly string[]) => Promise.resolve(ids.map((id) => ({ id }) as Message)),
  }) satisfies Pick<Conversations, "searchText" | "findMessages">;
const idsOf = ({ found }: Awaited<ReturnType<typeof searchAll>>): readonly string[] =>
  found.map((one) => (one.kind === "memory" ? one.memory.id : one.message.id));

afterEach(() => {
  jest.useRealTimers();
});

describe("searchAll", () => {
  test("a message takes its place by its score, and explain tells which memory it pushed out", async () => {
    const talk = talkOf(() => Promise.resolve(said));
    const result = await searchAll(worldOf(), talk, { ...request, explain: true });
    expect(idsOf(result)).toEqual([first, MESSAGE]);
    expect(Array.from(result.explanation?.parts.keys() ?? [])).toEqual([first]);
    expect(result.explanation?.dropped.map(({ id, reason }) => [id, reason])).toEqual([
      [second, "beyond_limit"],
      [third, "beyond_limit"],
    ]);
  });

  const never = () => new Promise<never>(() => undefined);

  test("messages that do not come are left behind at the deadline, and it is said", async () => {
    const result = await searchAll(worldOf(), talkOf(never), request);
    expect(idsOf(result)).toEqual([first, second]);
    expect(result.degraded.map(({ code }) => code)).toEqual(["index_not_ready", "deadline"]);
  });

  test.each([
    [true, 1],
    [false, 0],
  ])("of somebody whose memories are held talk is searched where some waits: %p", async (talkWaits, times) => {
    let asked = 0;
    const talk = talkOf(() => {
      asked += 1;
      return Promise.resolve(said);
    });
    const workingSets = {
      find: () => Promise.resolve({ set: emptySet(undefined), now: new Date(), talkWaits }),
      peek: () => Promise.resolve(undefined),
    };
    const store = {
      ...worldOf().store,
      analyseQuery: () => Promise.resolve({ terms: ["tea"], alike: [], dayWords: [], marks: [] }),
    };
    const { found } = await searchAll({ ...worldOf(), store, workingSets }, talk, request);
    expect([asked, found.map(({ kind }) => kind)]).toEqual([times, new Array(times).fill("message")]);
  });

  test("no timer holds an answer that was given", async () => {
    jest.useFakeTimers();
    await searchAll(
      worldOf(),
      talkOf(() => Promise.resolve(said)),
      request,
    );
    expect(jest.getTimerCount()).toBe(0);
  });

  test("as long as memories are waited for, so are messages", async () => {
    const [memories, talk] = [Promise.withResolvers<TextHits>(), Promise.withResolvers<TextHits>()];
    const answer = searchAll(
      worldOf({ searchText: () => memories.promise }),
      talkOf(() => talk.promise),
      request,
    );
    await until(3 * DEADLINE_MS);
    talk.resolve(said);
    await until(0);
    memories.resolve(words);
    const result = await answer;
    expect(idsOf(result)).toEqual([first, MESSAGE]);
    expect(result.degraded.map(({ code }) => code)).toEqual(["index_not_ready"]);
  });

  test("a database that is away is said, and not passed over", async () => {
    const away = talkOf(() => Promise.reject(new Error("away")));
    await expect(searchAll(worldOf(), away, request)).rejects.toThrow("away");
  });
});
