import { describe, expect, test } from "@jest/globals";
import { toTextHits, type PlainHits } from "../test/text-hits.ts";
import { DEFAULT_PROJECT_ID } from "./ids.ts";
import type { Memory } from "./memory.ts";
import type { Embedder, IndexTarget, MemoryStore, TextHits, VectorIndex } from "./ports/index.ts";
import { createQueryVectors } from "./query-vectors.ts";
import { tenantOf } from "./scope.ts";
import type { SearchDeps, SearchRequest } from "./search-request.ts";
import { search } from "./search.ts";

const DEADLINE_MS = 30;
const ids = ["a", "b", "c"].map((letter) => `00000000-0000-7000-8000-00000000000${letter}`);
const [said = "", meant = ""] = ids;
const plainWords: PlainHits = {
  hits: [{ id: said, length: 1, frequencies: { tea: 1 }, isTurn: false, isMarked: false, before: [], after: [] }],
  terms: [{ lexemes: ["tea"], isDay: false }],
  documents: 2,
  averageLength: 1,
  documentFrequencies: new Map([["tea", 1]]),
};
const words = toTextHits(plainWords);
const embedder: Embedder = {
  model: "m",
  requestedDims: null,
  lexical: false,
  embed: () => Promise.resolve({ vectors: [[1]], tokens: 1 }),
};
const target = { name: "main", calibration: { background: 0.2, related: 0.5 } } as IndexTarget;
const request: SearchRequest = {
  filter: { scope: { projectId: DEFAULT_PROJECT_ID, userId: "u", exact: false } },
  query: "tea",
  limit: 10,
  threshold: 0,
  strict: false,
};

function depsOf(given: {
  searchText: MemoryStore["searchText"];
  vectors?: () => Promise<never>;
  recent?: string[];
  type?: string;
  contentOf?: (id: string) => string;
}) {
  const { contentOf = (id: string) => id } = given;
  const row = (id: string, content: string, type = "fact") =>
    ({ id, content, type, userId: "u", version: 1 }) as Memory;
  const store = {
    searchText: given.searchText,
    findMemories: (wanted: readonly string[]) => Promise.resolve(wanted.map((id) => row(id, contentOf(id)))),
    recentMemories: (_: unknown, limit: number) =>
      Promise.resolve((given.recent ?? []).slice(0, limit).map((content, at) => row(String(at), content, given.type))),
  } as unknown as MemoryStore;
  const index = {
    search: given.vectors ?? (() => Promise.resolve([{ id: meant, version: 1, cosine: 0.6 }])),
  } as unknown as VectorIndex;
  const collection = { name: "c", model: "m", dims: 1 };
  return {
    store,
    index,
    deadlineMs: DEADLINE_MS,
    queryVectors: createQueryVectors({ timeoutMs: 1000 }),
    live: () => Promise.resolve({ target, collection, embedder }),
  } satisfies SearchDeps;
}
const contents = (result: Awaited<ReturnType<typeof search>>) => result.memories.map(({ content }) => content);

describe("search", () => {
  test("both arms in time: one ranking, nothing degraded", async () => {
    const result = await search(depsOf({ searchText: () => Promise.resolve(words) }), request);
    expect(contents(result).toSorted()).toEqual([said, meant]);
    expect(result.degraded).toEqual([]);
  });

  test("words that do not come are left behind at the deadline, and it is said", async () => {
    const result = await search(depsOf({ searchText: () => new Promise(() => undefined) }), request);
    expect(contents(result)).toEqual([meant]);
    expect(result.degraded).toMatchObject([{ code: "deadline" }]);
  });

  test("without vectors words are waited for", async () => {
    let come: (hits: TextHits) => void = () => undefined;
    const late = new Promise<TextHits>((resolve) => (come = resolve));
    const never = () => new Promise<never>(() => undefined);
    const answer = search(depsOf({ searchText: () => late, vectors: never }), request);
    setTimeout(() => come(words), 3 * DEADLINE_MS);
    const result = await answer;
    expect(contents(result)).toEqual([said]);
    expect(result.degraded).toMatchObject([{ code: "deadline" }]);
  });

  test("words alone fill the largest limit, repetitions between them", async () => {
    const many = Array.from({ length: 1_800 }, (_, at) => `00000000-0000-7000-8000-${String(at).padStart(12, "0")}`);
    const asked = (_: unknown, __: unknown, pool: number): Promise<TextHits> =>
      Promise.resolve(
        toTextHits({
          ...plainWords,
          hits: many.slice(0, pool).flatMap((id) => plainWords.hits.map((hit) => ({ ...hit, id }))),
        }),
      );
    const away = () => Promise.reject(new Error("away"));
    const deps = depsOf({
      searchText: asked,
      vectors: away,
      contentOf: (id) => String(Math.floor(Number(id.slice(-4)) / 2)),
    });
    expect(contents(await search(deps, { ...request, limit: 900 }))).toHaveLength(900);
    expect(contents(await search(deps, { ...request, limit: 10 }))).toHaveLength(10);
  });

  describe("without a user", () => {
    const OWNERS_MAX = 1_000;
    const { userId: _, ...scope } = request.filter.scope;
    const open: SearchRequest = { ...request, filter: { scope: { ...scope, agentId: "g", exact: true } } };
    const asked: (readonly string[])[] = [];
    const askOf = (owners: number, joinsRows: boolean) => {
      const deps = depsOf({ searchText: () => Promise.resolve(words) });
      const all = Array.from({ length: owners }, (__, at) => ({ userId: `u${at}`, agentId: null }));
      const findOwners = (___: unknown, limit: number) => Promise.resolve(all.slice(0, limit));
      const index = {
        joinsRows,
        search(_____: unknown, { tenants }: { tenants: readonly string[] }) {
          asked.push(tenants);
          return Promise.resolve([{ id: meant, version: 1, cosine: 0.6 }]);
        },
      } as unknown as VectorIndex;
      return search({ ...deps, store: { ...deps.store, findOwners }, index }, open);
    };
    const tenantsOf = (count: number) =>
      Array.from({ length: count }, (__, at) =>
        tenantOf({ projectId: DEFAULT_PROJECT_ID, userId: `u${at}`, agentId: null }),
      );

    test("the vectors of as many users as can be named are asked, and where there are more it is said", async () => {
      expect((await askOf(OWNERS_MAX, false)).degraded).toEqual([]);
      expect(asked.at(-1)).toEqual(tenantsOf(OWNERS_MAX));
      expect((await askOf(OWNERS_MAX + 1, false)).degraded).toMatchObject([{ code: "many_users" }]);
      expect(asked.at(-1)).toEqual(tenantsOf(OWNERS_MAX));
    });

    test("an index that joins the rows need not be told whose", async () => {
      expect((await askOf(OWNERS_MAX + 1, true)).degraded).toEqual([]);
      expect(asked.at(-1)).toEqual([]);
    });
  });

  test("a database that is away is said, and not passed over", async () => {
    const away = depsOf({ searchText: () => Promise.reject(new Error("away")) });
    await expect(search(away, request)).rejects.toThrow("away");
  });

  test("without a query repeated states are given once, and the limit is filled; of events every one", async () => {
    const recent = [...Array.from({ length: 12 }, () => "Hello!"), "tea", "coffee", "milk"];
    const deps = depsOf({ searchText: () => Promise.resolve(words), recent });
    const events = depsOf({ searchText: () => Promise.resolve(words), recent, type: "interaction" });
    const { query: _, ...open } = request;
    expect(contents(await search(deps, { ...open, limit: 3 }))).toEqual(["Hello!", "tea", "coffee"]);
    expect(contents(await search(deps, { ...open, limit: 10 }))).toEqual(["Hello!", "tea", "coffee", "milk"]);
    expect(contents(await search(events, { ...open, limit: 3 }))).toEqual(["Hello!", "Hello!", "Hello!"]);
  });
});
