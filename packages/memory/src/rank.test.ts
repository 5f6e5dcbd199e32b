import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { scoreOf } from "./calibration.ts";
import { fuse } from "./fuse.ts";
import { DEFAULT_PROJECT_ID } from "./ids.ts";
import { lexicalScores } from "./lexical.ts";
import type { IndexStatus, Memory } from "./memory.ts";
import { toTextHits, type PlainHit } from "../test/text-hits.ts";
import type { IndexTarget, TextTerm, VectorHit } from "./ports/index.ts";
import { rank } from "./rank.ts";
import { NO_HITS } from "./text-candidates.ts";
import type { SearchRequest } from "./search-request.ts";
import type { VectorArm } from "./vector-arm.ts";

const POOL = 100;
const id = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;
const target: IndexTarget = {
  name: "main",
  state: "live",
  model: "m",
  dims: 4,
  requestedDims: null,
  filledAt: new Date(0),
  retireAt: null,
  calibration: { background: 0.1, related: 0.6 },
};
const noWords = NO_HITS;
const request = (given: Partial<SearchRequest> = {}): SearchRequest & { readonly query: string } => ({
  filter: { scope: { projectId: DEFAULT_PROJECT_ID, userId: "u", exact: false } },
  limit: 10,
  threshold: 0,
  strict: false,
  ...given,
  query: "q",
});

const term = (lexeme: string): TextTerm => ({ lexemes: [lexeme], isDay: false });
const hit = (n: number, frequencies: Record<string, number>): PlainHit => ({
  id: id(n),
  length: 2,
  frequencies,
  isTurn: false,
  isMarked: false,
  before: [],
  after: [],
});

/** An index whose points lie nearer the smaller their number is, over the rows of some of them. */
function world(
  points: number,
  rows: ReadonlyMap<number, { version: number; indexStatus?: IndexStatus; content?: string }>,
) {
  const asked: number[] = [];
  const joined: (readonly string[])[] = [];
  const all = Array.from({ length: points }, (_, n): VectorHit => ({
    id: id(n),
    version: 1,
    cosine: 0.9 - n / 20_000,
  }));
  const arm = (pool: number): VectorArm => ({
    hits: all.slice(0, pool),
    pool,
    target,
    degraded: [],
    askOn: async (larger) => {
      asked.push(larger);
      return arm(larger);
    },
  });
  const store = {
    findMemories: async (ids: readonly string[]) => {
      joined.push(ids);
      return ids.flatMap((key) => {
        const row = rows.get(Number(key.slice(-12)));
        return row === undefined ? [] : [{ id: key, userId: "u", content: key, ...row } as Memory];
      });
    },
  };
  return { asked, joined, arm: arm(POOL), store };
}
const live = (...numbers: readonly number[]) => new Map(numbers.map((n) => [n, { version: 1 }]));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe("rank", () => {
  test("300 dead points nearer than 20 true ones: the limit is filled all the same, best first", async () => {
    const { asked, joined, arm, store } = world(320, live(...range(300, 320)));
    const { memories, degraded } = await rank(store, request(), noWords, arm);
    expect(memories.map((memory) => memory.id)).toEqual(range(300, 310).map(id));
    expect(degraded).toEqual([]);
    expect(asked).toEqual([400]);
    expect(joined.length).toBeLessThan(10);
  });

  test("fewer true ones than the limit: all of them, and the index is asked to its end once", async () => {
    const { asked, arm, store } = world(320, live(...range(317, 320)));
    const { memories } = await rank(store, request(), noWords, arm);
    expect(memories.map((memory) => memory.id)).toEqual([317, 318, 319].map(id));
    expect(asked).toEqual([400]);
  });

  test("a full pool of true ones is enough, and so is an index that has no more", async () => {
    const full = world(200, live(...range(0, 200)));
    await rank(full.store, request(), noWords, full.arm);
    const small = world(90, live());
    expect((await rank(small.store, request(), noWords, small.arm)).memories).toEqual([]);
    expect([...full.asked, ...small.asked]).toEqual([]);
  });

  test("points of an older version are dead too; their rows are found by words alone", async () => {
    const rows = new Map([...range(0, 150).map((n) => [n, { version: 2 }] as const), ...live(200)]);
    const { arm, store } = world(201, rows);
    const words = toTextHits({
      hits: [hit(3, { q: 1 })],
      terms: [term("q")],
      documents: 200,
      averageLength: 1,
      documentFrequencies: new Map([["q", 1]]),
    });
    const { memories } = await rank(store, request({ limit: 2, threshold: 0.1 }), words, arm);
    expect(memories.map((memory) => memory.id).toSorted()).toEqual([3, 200].map(id));
  });

  test.each([
    ["pending", 200],
    ["indexed", 0],
  ] as const)(
    "a memory beside a full pool of alike ones, which says all the query's words: %s",
    async (state, first) => {
      const rows = new Map<number, { version: number; indexStatus?: IndexStatus }>(live(...range(0, 200)));
      rows.set(200, { version: 1, indexStatus: state });
      const { arm, joined, store } = world(200, rows);
      const words = toTextHits({
        hits: [...range(0, 100).map((n) => hit(n, { common: 1 })), hit(200, { common: 1, rare: 1 })],
        terms: [term("common"), term("rare")],
        documents: 201,
        averageLength: 2,
        documentFrequencies: new Map([
          ["common", 101],
          ["rare", 1],
        ]),
      });
      const narrow: IndexTarget = { ...target, calibration: { background: 0.5, related: 0.6 } };
      const { memories } = await rank(store, request({ limit: 5 }), words, { ...arm, target: narrow });
      expect(memories[0]?.id).toBe(id(first));
      expect(joined.length).toBeLessThan(4);
    },
  );

  test("tells why: what each arm says, what was left out, and nothing of what may not be seen", async () => {
    const rows = new Map<number, { version: number; content?: string }>([
      [1, { version: 1, content: "чай" }],
      [2, { version: 2, content: "кофе" }],
      [3, { version: 1, content: "Чай." }],
      [4, { version: 1, content: "какао" }],
    ]);
    const { arm, store } = world(5, rows);
    const words = toTextHits({
      hits: [hit(1, { q: 1 }), hit(2, { q: 1 })],
      terms: [term("q")],
      documents: 4,
      averageLength: 1,
      documentFrequencies: new Map([["q", 2]]),
    });
    const { memories, explanation } = await rank(
      store,
      request({ limit: 2, threshold: 0.5, explain: true }),
      words,
      arm,
    );
    expect(memories.map((memory) => memory.id)).toEqual([1, 2].map(id));
    expect(explanation).toMatchObject({ candidates: { text: 2, vectors: 5 }, terms: [term("q")], unseen: 1, stale: 1 });
    const parts = memories.map((memory) => explanation?.parts.get(memory.id));
    expect(parts).toMatchObject([
      { vector: { rank: 1, raw: expect.closeTo(0.9, 3) }, text: { rank: 1 } },
      { vector: { rank: null, raw: null }, text: { rank: 2 } },
    ]);
    for (const [at, memory] of memories.entries())
      expect(scoreOf((parts[at]?.vector.evidence ?? 0) + (parts[at]?.text.evidence ?? 0))).toBeCloseTo(memory.score);
    expect(explanation?.dropped.map((one) => [one.id, one.reason])).toEqual([
      [id(3), "same_text"],
      [id(4), "beyond_limit"],
    ]);
    const strict = await rank(store, request({ limit: 1, threshold: 0.9999, explain: true }), words, arm);
    expect(strict.memories).toEqual([]);
    expect(new Set(strict.explanation?.dropped.map((one) => one.reason))).toEqual(new Set(["below_threshold"]));
    expect((await rank(store, request(), words, arm)).explanation).toBeUndefined();
  });

  test("an index full of dead points is given up on, after some rounds", async () => {
    const { asked, joined, arm, store } = world(50_000, live());
    expect((await rank(store, request(), noWords, arm)).memories).toEqual([]);
    expect(asked).toEqual([400, 1_600, 6_400, 10_000]);
    expect(joined.length).toBeLessThan(20);
  });

  test("an index that does not answer a second time leaves what it gave, and says so", async () => {
    const { arm, store } = world(320, live(50, ...range(300, 320)));
    const cut = { code: "deadline", message: "out of time" } as const;
    const { askOn: _, ...rest } = arm;
    const failing: VectorArm = { ...arm, askOn: async () => ({ ...rest, degraded: [cut] }) };
    const { memories, degraded } = await rank(store, request(), noWords, failing);
    expect(memories.map((memory) => memory.id)).toEqual([id(50)]);
    expect(degraded).toEqual([cut]);
  });

  test("what says the same in the same words is given once, and the limit is filled with others", async () => {
    const rows = new Map(
      range(0, 9).map((n) => [n, { version: 1, content: n < 6 ? "Tea, please!" : `Cup ${n}` }] as const),
    );
    const { arm, store } = world(9, rows);
    const { memories } = await rank(store, request({ limit: 3 }), noWords, arm);
    expect(memories.map((memory) => memory.id)).toEqual([0, 6, 7].map(id));
  });

  test("a pool full of repetitions is asked on for what else there is, and no further once it is below the threshold", async () => {
    const rows = new Map(
      range(0, 150).map((n) => [n, { version: 1, content: n < 120 ? "The same" : `Other ${n}` }] as const),
    );
    const full = world(150, rows);
    const { memories } = await rank(full.store, request({ limit: 3 }), noWords, full.arm);
    expect(memories.map((memory) => memory.id)).toEqual([0, 120, 121].map(id));
    const bounded = world(150, rows);
    await rank(bounded.store, request({ limit: 3, threshold: 0.999 }), noWords, bounded.arm);
    expect(bounded.asked).toEqual([]);
  });

  test("an id that is none of ours never reaches the store", async () => {
    const { joined, arm, store } = world(3, live(0, 1, 2));
    const hits = [{ id: "7", version: 1, cosine: 1 }, ...(arm.hits ?? [])];
    const { memories } = await rank(store, request(), noWords, { ...arm, hits });
    expect(memories.map((memory) => memory.id)).toEqual(range(0, 3).map(id));
    expect(joined.flat()).not.toContain("7");
  });

  test("whichever points are dead, the answer is the nearest of the others", async () => {
    const isLive = fc.array(fc.boolean(), { maxLength: 700 });
    await fc.assert(
      fc.asyncProperty(isLive, fc.integer({ min: 1, max: 40 }), async (flags, limit) => {
        const standing = range(0, flags.length).filter((n) => flags[n]);
        const { arm, store } = world(flags.length, live(...standing));
        const { memories } = await rank(store, request({ limit }), noWords, arm);
        expect(memories.map((memory) => memory.id)).toEqual(standing.slice(0, limit).map(id));
      }),
      { numRuns: 60 },
    );
  });

  test("whatever drops out, the answer is one ranking of what stands, each content once, at the same scores", async () => {
    const candidate = fc.record({
      state: fc.constantFrom("live", "gone", "stale"),
      arms: fc.constantFrom("words", "vectors", "both"),
      said: fc.integer({ min: 1, max: 3 }),
      content: fc.integer({ min: 0, max: 60 }),
    });
    // The nearest and the farthest stand, for others are measured by them.
    const anchor = { state: "live", arms: "both", said: 1, content: 100 } as const;
    const threshold = fc.constantFrom(0, 0.3, 0.5);
    await fc.assert(
      fc.asyncProperty(
        fc.array(candidate, { maxLength: POOL - 3 }),
        fc.integer({ min: 1, max: 30 }),
        threshold,
        async (some, limit, least) => {
          const all = [anchor, ...some, { ...anchor, content: 101 }];
          const rows = new Map(
            all.flatMap(({ state, content }, n) =>
              state === "gone" ? [] : [[n, { version: state === "stale" ? 2 : 1, content: `Cup ${content}` }] as const],
            ),
          );
          const { arm, store } = world(all.length, rows);
          const isNear = (n: number) => all[n]?.arms !== "words";
          const hits = arm.hits?.filter((_, n) => isNear(n)) ?? [];
          const words = toTextHits({
            hits: all.flatMap(({ arms, said }, n) => (arms === "vectors" ? [] : [hit(n, { q: said })])),
            terms: [term("q")],
            documents: 200,
            averageLength: 2,
            documentFrequencies: new Map([["q", 20]]),
          });
          const asked = request({ limit, threshold: least });
          const numberOf = (of: string) => Number(of.slice(-12));
          const expected = (hasVector: (of: string) => boolean) => {
            const told = new Set<string | undefined>();
            const ranked = fuse({
              vectorHits: hits.filter((one) => rows.get(numberOf(one.id))?.version === 1),
              textScores: lexicalScores(words),
              calibration: target.calibration,
              hasVector,
            }).filter((one) => {
              const content = rows.get(numberOf(one.id))?.content;
              const isTold = content === undefined || one.score < least || told.has(content);
              told.add(content);
              return !isTold;
            });
            return ranked.slice(0, limit).map((one) => [one.id, one.score]);
          };
          const found = await rank(store, asked, words, { ...arm, hits });
          expect(found.memories.map((memory) => [memory.id, memory.score])).toEqual(expected(() => false));

          // What is held says which versions its vectors are of; a row may have another one by now.
          const ids = [...words.ids, ...all.map((_, n) => id(n)).filter((one) => !words.ids.includes(one))];
          const placed = { ids, places: hits.map((one) => ids.indexOf(one.id)), versions: ids.map(() => 1) };
          const hasVector = (of: string) => isNear(numberOf(of));
          const held = await rank(store, asked, { ...words, ids }, { ...arm, hits, placed, hasVector });
          expect(held.memories.map((memory) => [memory.id, memory.score])).toEqual(expected(hasVector));
        },
      ),
      { numRuns: 200 },
    );
  });
});
