import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { MemoryError, type MemoryFilter } from "@engram/memory";
import { openGraphWorld, OWNERS, type Asked, type GraphWorld, type OwnerName } from "./graph-world.ts";
import { serverUrl } from "./servers.ts";

const ALL = 15_000;
const CROWD: Asked = { userId: "crowd", centre: 7, limit: 20 };

/** What a filter lets through, from nearly all to nothing. */
const filters: fc.Arbitrary<Partial<MemoryFilter>> = fc.record(
  {
    types: fc.subarray(["fact", "preference", "pattern"], { minLength: 1 }),
    condition: fc.oneof(
      fc.record({
        op: fc.constantFrom("lte" as const, "gt" as const),
        field: fc.constant({ path: ["n"] }),
        value: fc.integer({ min: 0, max: 9 }),
      }),
      fc.constant({ op: "eq" as const, field: { path: ["n"] }, value: 4 }),
    ),
    createdAfter: fc.integer({ min: 0, max: ALL }).map((minute) => new Date(Date.UTC(2026, 0, 1, 0, minute))),
  },
  { requiredKeys: [] },
);
const searches: fc.Arbitrary<Asked> = fc.record({
  userId: fc.constantFrom(...(Object.keys(OWNERS) as OwnerName[])),
  centre: fc.nat(39),
  limit: fc.integer({ min: 1, max: 60 }),
  filter: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 3, arbitrary: filters }),
});

(serverUrl === undefined ? describe.skip : describe)("who has very many memories is searched by the graph", () => {
  let world: GraphWorld;
  beforeAll(async () => {
    world = await openGraphWorld();
  }, 60_000);
  afterAll(() => world.close());
  beforeEach(() => {
    world.lookAnew();
    world.asked.walks = 0;
  });

  test("only what the filter lets through, the limit filled, the nearest first", async () => {
    await fc.assert(
      fc.asyncProperty(searches, async (asked) => {
        const query = await world.queryOf(asked);
        const [hits, all] = [await world.find(query), await world.findExactly({ ...query, limit: ALL })];
        const cosines = new Map(all.map(({ id, version, cosine }) => [`${id} ${version}`, cosine]));
        expect(hits).toHaveLength(Math.min(asked.limit, all.length));
        for (const hit of hits)
          expect(hit.cosine).toBeCloseTo(cosines.get(`${hit.id} ${hit.version}`) ?? Number.NaN, 6);
        expect(hits).toEqual(hits.toSorted((a, b) => b.cosine - a.cosine || (a.id < b.id ? -1 : 1)));
      }),
      { numRuns: 80 },
    );
    expect(world.asked.walks).toBeGreaterThan(5);
  });

  test("of what an exact scan gives, 95 in a hundred and more", async () => {
    let [wanted, found] = [0, 0];
    for (let centre = 0; centre < 40; centre++) {
      const query = await world.queryOf({ ...CROWD, centre });
      const ids = new Set((await world.find(query)).map(({ id }) => id));
      const exact = await world.findExactly(query);
      wanted += exact.length;
      found += exact.filter(({ id }) => ids.has(id)).length;
    }
    expect(wanted).toBe(40 * CROWD.limit);
    expect(found / wanted).toBeGreaterThanOrEqual(0.95);
    expect(world.asked.walks).toBe(40);
  });

  test("the statement walks the graph, and on where pgvector would end by itself", async () => {
    await world.find(await world.queryOf({ ...CROWD, limit: 60 }));
    const { text, values } = world.asked.last;
    const plan = await world.db.query<{ "QUERY PLAN": string }>(
      `EXPLAIN (ANALYZE, COSTS off, TIMING off) ${text}`,
      values,
    );
    const scan = plan.map((row) => row["QUERY PLAN"]).find((line) => line.includes("idx_mem0_embedding"));
    expect(scan).toMatch(/Index Scan using idx_mem0_embedding .*rows=250(\.00)? /);
  });

  test("its settings end with it", async () => {
    await world.find(await world.queryOf(CROWD));
    const left = await world.db.query("SELECT current_setting('hnsw.iterative_scan', true) AS value");
    expect(["off", "", null]).toContain(left[0]?.["value"]);
  });

  test.each([
    ["a small share", { ...CROWD, userId: "other" as const }],
    ["more hits wanted than a walk is worth", { ...CROWD, limit: 120 }],
  ])("%s: an exact scan", async (_, asked) => {
    await expectExact(asked);
    expect(world.asked.walks).toBe(0);
  });

  test("fewer memories than it is meant for: an exact scan", async () => {
    world.lookAnew({ from: 13_000 });
    await expectExact(CROWD);
    expect(world.asked.walks).toBe(0);
  });

  test("fewer hits than were asked for: an exact scan too", async () => {
    await expectExact({ ...CROWD, filter: { createdAfter: new Date(Date.UTC(2026, 0, 1, 0, ALL - 200)) } });
    expect(world.asked.walks).toBe(1);
  });

  test("a pgvector that does not know the setting: an exact scan, and no second attempt", async () => {
    world.lookAnew({ alter: (text) => text.replace("hnsw.iterative_scan", "hnsw.never_heard_of") });
    await expectExact(CROWD);
    await expectExact({ ...CROWD, centre: 8 });
    expect(world.asked.walks).toBe(1);
  });

  test("a database that does not answer is not asked once more", async () => {
    const query = await world.queryOf(CROWD);
    const away = new MemoryError("unavailable", "The database cannot be reached");
    const asked: string[] = [];
    world.lookAnew({
      alter: (text) => {
        if (!text.includes("AS cosine")) return text;
        asked.push(text);
        throw away;
      },
    });
    await expect(world.find(query)).rejects.toBe(away);
    expect(asked).toHaveLength(1);
  });

  test("a pgvector from before 0.8: an exact scan", async () => {
    const [version] = await world.db.query("SELECT extversion FROM pg_extension WHERE extname = 'vector'");
    await world.db.query("UPDATE pg_extension SET extversion = '0.7.4' WHERE extname = 'vector'");
    try {
      await expectExact(CROWD);
      expect(world.asked.walks).toBe(0);
    } finally {
      await world.db.query("UPDATE pg_extension SET extversion = $1 WHERE extname = 'vector'", [
        version?.["extversion"],
      ]);
    }
  });

  test("the graph is dropped: right at once, and an exact scan from the next look on", async () => {
    await world.find(await world.queryOf(CROWD));
    const [graph] = await world.db.query<{ sql: string }>(
      "SELECT pg_get_indexdef('idx_mem0_embedding'::regclass) AS sql",
    );
    await world.db.script("DROP INDEX idx_mem0_embedding");
    try {
      await expectExact(CROWD);
      world.lookAnew();
      world.asked.walks = 0;
      await expectExact(CROWD);
      expect(world.asked.walks).toBe(0);
    } finally {
      await world.db.script(graph?.sql ?? "");
    }
  });

  async function expectExact(asked: Asked): Promise<void> {
    const query = await world.queryOf(asked);
    const exact = await world.findExactly(query);
    expect(exact).toHaveLength(asked.limit);
    expect((await world.find(query)).map(({ id }) => id)).toEqual(exact.map(({ id }) => id));
  }
});
