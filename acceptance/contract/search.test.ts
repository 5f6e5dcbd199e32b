// CONTRACT.md 2 and 3: POST /api/memories/search.
import { beforeAll, describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { contents, create, ids, indexed, memoryFields, search, unique } from "../memories.ts";
import { instantBetween } from "../until.ts";

describe("without a query", () => {
  test("the newest first, score 1 each", async () => {
    const userId = unique("search");
    for (const number of [1, 2, 3]) await create({ user_id: userId, content: `Запись номер ${number}` });
    const found = await search({ user_id: userId });
    expect(contents(found)).toEqual(["Запись номер 3", "Запись номер 2", "Запись номер 1"]);
    expect(found.memories.map((memory) => memory.relevance_score)).toEqual([1, 1, 1]);
    expect(found.total).toBe(3);
  });

  test("an empty or blank query is none", async () => {
    const userId = unique("search");
    await create({ user_id: userId, content: "Любит чай" });
    for (const query of ["", "   "]) {
      expect(await search({ user_id: userId, query })).toMatchObject({ total: 1, memories: [{ relevance_score: 1 }] });
    }
  });

  test("of two that came together the more important one first", async () => {
    const userId = unique("search");
    const memories = [
      { user_id: userId, content: "неважное", importance: 0.1 },
      { user_id: userId, content: "важное", importance: 0.9 },
      { user_id: userId, content: "так себе", importance: 0.5 },
    ];
    await api("POST", "/api/memories/bulk", { body: { memories } });
    expect(contents(await search({ user_id: userId }))).toEqual(["важное", "так себе", "неважное"]);
  });

  test("the session's own first", async () => {
    const userId = unique("search");
    await create({ user_id: userId, content: "этой сессии", level: "session", session_id: "s1" });
    await create({ user_id: userId, content: "постоянное" });
    await create({ user_id: userId, content: "другой сессии", level: "session", session_id: "s2" });
    expect(contents(await search({ user_id: userId, session_id: "s1" }))).toEqual(["этой сессии", "постоянное"]);
  });

  test("any threshold lets them pass", async () => {
    const userId = unique("search");
    await create({ user_id: userId, content: "Любит чай" });
    expect((await search({ user_id: userId, relevance_threshold: 1 })).total).toBe(1);
  });
});

describe("with a query", () => {
  const userId = unique("search");
  const english = {
    coffee: "The user drinks espresso coffee every morning",
    running: "The user goes running in the park on Sundays",
    flat: "The user rents a flat in Berlin near the river",
  };
  const russian = {
    coffee: "Пользователь каждое утро пьёт кофе эспрессо",
    running: "По воскресеньям пользователь бегает в парке",
    flat: "Пользователь снимает квартиру в Берлине у реки",
  };

  beforeAll(async () => {
    const memories = [];
    for (const content of [...Object.values(english), ...Object.values(russian)]) {
      memories.push(await create({ user_id: userId, content, type: content === english.flat ? "preference" : "fact" }));
    }
    await indexed(...memories);
  });

  test.each([
    ["Which coffee does the user drink in the morning?", english.coffee],
    ["Where is the flat that the user rents?", english.flat],
    ["runs in parks", english.running],
    ["Какой кофе пьёт пользователь по утрам?", russian.coffee],
    ["Где пользователь снимает квартиру?", russian.flat],
    ["бег в парках по воскресеньям", russian.running],
  ])("%s", async (query, best) => {
    expect(contents(await search({ user_id: userId, query, limit: 3 }))[0]).toBe(best);
  });

  test("scores within 0 and 1, descending; total is what came back", async () => {
    const found = await search({ user_id: userId, query: "кофе эспрессо утром", limit: 100 });
    const scores = found.memories.map((memory) => memory.relevance_score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    for (const score of scores) {
      expect(score).toBeGreaterThanOrEqual(0);
      expect(score).toBeLessThanOrEqual(1);
    }
    expect(found.total).toBe(found.memories.length);
    for (const field of memoryFields) expect(found.memories[0]).toHaveProperty(field);
    expect(new Set(ids(found)).size).toBe(found.total);
  });

  test.each([0, 0.3, 0.5, 0.7, 0.9])(
    "at the threshold %p exactly those with at least that score come back",
    async (threshold) => {
      const query = "кофе эспрессо утром";
      const all = await search({ user_id: userId, query, limit: 100 });
      const some = await search({ user_id: userId, query, limit: 100, relevance_threshold: threshold });
      expect(ids(some)).toEqual(ids(all.memories.filter((memory) => memory.relevance_score >= threshold)));
    },
  );

  test("limit cuts off the weaker ones", async () => {
    const query = "Какой кофе пьёт пользователь по утрам?";
    const three = await search({ user_id: userId, query, limit: 3 });
    const one = await search({ user_id: userId, query, limit: 1 });
    expect(one.total).toBe(1);
    expect(one.memories[0]?.id).toBe(three.memories[0]?.id);
  });

  test("types leave out the others", async () => {
    const found = await search({ user_id: userId, query: "user flat Berlin coffee park", types: ["preference"] });
    expect(contents(found)).toEqual([english.flat]);
    expect((await search({ user_id: userId, query: "coffee", types: ["no-such-type"] })).total).toBe(0);
    expect((await search({ user_id: userId, types: ["preference", "fact"], limit: 100 })).total).toBe(6);
  });

  test("today is the asker's day by the offset of query_time", async () => {
    const asker = unique("search");
    const told = (at: string) => ({ user_id: asker, content: `Пил чай ${at.slice(11, 16)}`, occurred_at: at });
    // At 09:30 in Sydney the day of UTC is still the one before, and so it is for what was told since midnight there.
    const memories = ["2026-03-29T10:00:00Z", "2026-03-30T22:15:00Z", "2026-03-28T11:00:00Z"].map(told);
    await api("POST", "/api/memories/bulk", { body: { memories } });
    const query = { user_id: asker, query: "Что пил сегодня?", limit: 1, query_time: "2026-03-31T09:30:00+10:00" };
    expect(contents(await search(query))).toEqual(["Пил чай 22:15"]);
  });

  test("an unrelated question gets nothing past 0.7", async () => {
    const found = await search({
      user_id: userId,
      query: "Quantum chromodynamics lattice simulation",
      relevance_threshold: 0.7,
    });
    expect(found).toMatchObject({ memories: [], total: 0 });
  });

  test("a user nobody has heard of gets an empty answer", async () => {
    expect(await search({ user_id: unique("nobody"), query: "кофе" })).toMatchObject({ memories: [], total: 0 });
  });
});

describe("created_after and created_before", () => {
  test("bound what is searched, with and without a query", async () => {
    const userId = unique("search");
    await create({ user_id: userId, content: "Старая запись о чае" });
    const middle = await instantBetween();
    await create({ user_id: userId, content: "Новая запись о чае" });
    for (const asked of [{ user_id: userId }, { user_id: userId, query: "запись о чае" }]) {
      expect(contents(await search({ ...asked, created_before: middle }))).toEqual(["Старая запись о чае"]);
      expect(contents(await search({ ...asked, created_after: middle }))).toEqual(["Новая запись о чае"]);
      expect((await search({ ...asked, created_after: middle, created_before: middle })).total).toBe(0);
      expect((await search(asked)).total).toBe(2);
    }
  });
});

describe("the moment of a write", () => {
  test("a memory is found by its words at once, before it is indexed", async () => {
    const userId = unique("search");
    for (let turn = 0; turn < 5; turn++) {
      const { id } = await create({ user_id: userId, content: `Прививка номер ${turn} сделана собаке` });
      expect(ids(await search({ user_id: userId, query: "прививка собаке", limit: 100 }))).toContain(id);
    }
  });

  test("a deleted memory is not found from then on", async () => {
    const userId = unique("search");
    const memory = await create({ user_id: userId, content: "Прививка сделана собаке" });
    await indexed(memory);
    await api("DELETE", `/api/memories/${memory.id}`);
    expect((await search({ user_id: userId, query: "прививка собаке" })).total).toBe(0);
    expect((await search({ user_id: userId })).total).toBe(0);
  });
});
