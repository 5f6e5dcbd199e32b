// CONTRACT.md 3: the filters, orders and pages of a listing.
import { beforeAll, describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { at, contents, create, ids, list, unique, type Memory } from "../memories.ts";
import { instantBetween } from "../until.ts";

describe("filters", () => {
  const userId = unique("list");
  let middle = "";

  beforeAll(async () => {
    await create({ user_id: userId, content: "один", type: "fact", session_id: "s1" });
    await create({ user_id: userId, content: "два", type: "preference", agent_id: "a1", key: "slot" });
    middle = await instantBetween();
    await create({ user_id: userId, content: "три", type: "preference", session_id: "s1", agent_id: "a1" });
    await create({ user_id: userId, content: "четыре", type: "interaction", level: "session", session_id: "s2" });
  });

  test.each<[query: Record<string, string>, expected: string[]]>([
    [{}, ["четыре", "три", "два", "один"]],
    [{ type: "preference" }, ["три", "два"]],
    [{ type: "no-such-type" }, []],
    [{ level: "user" }, ["три", "два", "один"]],
    [{ level: "session" }, ["четыре"]],
    [{ session_id: "s1" }, ["три", "один"]],
    [{ agent_id: "a1" }, ["три", "два"]],
    [{ key: "slot" }, ["два"]],
    [{ type: "preference", session_id: "s1" }, ["три"]],
    [{ sort: "created_at" }, ["один", "два", "три", "четыре"]],
    [{ sort: "-created_at" }, ["четыре", "три", "два", "один"]],
  ])("%p", async (query, expected) => {
    const page = await list(userId, query);
    expect(contents(page)).toEqual(expected);
    expect(page.total).toBe(expected.length);
  });

  test("created_before and created_after", async () => {
    expect(contents(await list(userId, { created_before: middle }))).toEqual(["два", "один"]);
    expect(contents(await list(userId, { created_after: middle }))).toEqual(["четыре", "три"]);
    expect(contents(await list(userId, { created_after: middle, type: "preference" }))).toEqual(["три"]);
    expect((await list(userId, { created_after: middle, created_before: middle })).total).toBe(0);
  });

  test("a date with another offset is the same moment", async () => {
    const elsewhere = new Date(Date.parse(middle) + 3 * 3_600_000).toISOString().replace("Z", "+03:00");
    expect(contents(await list(userId, { created_before: elsewhere }))).toEqual(["два", "один"]);
  });
});

describe("orders", () => {
  test("importance", async () => {
    const userId = unique("list");
    for (const importance of [0.5, 0.9, 0.1])
      await create({ user_id: userId, content: `Важность ${importance}`, importance });
    const order = (await list(userId, { sort: "importance" })).memories.map((memory) => memory.importance);
    expect([
      [0.1, 0.5, 0.9],
      [0.9, 0.5, 0.1],
    ]).toContainEqual(order);
  });

  test("updated_at", async () => {
    const userId = unique("list");
    const first = await create({ user_id: userId, content: "первая" });
    await create({ user_id: userId, content: "вторая" });
    await create({ user_id: userId, content: "третья" });
    await instantBetween();
    await api("PATCH", `/api/memories/${first.id}`, { body: { metadata: { touched: true } } });
    const order = contents(await list(userId, { sort: "updated_at" }));
    expect([
      ["вторая", "третья", "первая"],
      ["первая", "третья", "вторая"],
    ]).toContainEqual(order);
  });
});

describe("pages", () => {
  const userId = unique("list");
  const count = 25;
  let all: string[] = [];

  beforeAll(async () => {
    // In one call, so that many share one created_at: the order has to be total nevertheless.
    const memories = Array.from({ length: count }, (_, number) => ({
      user_id: userId,
      content: `Запись номер ${number}`,
      importance: (number % 3) / 10,
    }));
    const answer = await api<{ created: number }>("POST", "/api/memories/bulk", { body: { memories } });
    expect(answer.body.created).toBe(count);
    all = ids(await list(userId, { limit: 100 }));
    expect(all).toHaveLength(count);
  });

  async function walk(query: Record<string, string | number>): Promise<Memory[]> {
    const memories: Memory[] = [];
    let cursor: string | null = null;
    for (let pages = 0; pages <= count; pages++) {
      const page = await list(userId, { ...query, ...(cursor === null ? {} : { cursor }) });
      expect(page.total).toBe(count);
      memories.push(...page.memories);
      if (page.next_cursor === null) return memories;
      expect(page.memories.length).toBeGreaterThan(0);
      cursor = page.next_cursor;
    }
    throw new Error("The cursor never came to an end");
  }

  test.each(["-created_at", "created_at", "importance", "updated_at"])(
    "the cursor walks through all of them without gap or repeat, by %s",
    async (sort) => {
      const walked = await walk({ sort, limit: 7 });
      expect(walked).toHaveLength(count);
      expect(ids(walked)).toEqual(all);
      expect(walked.map((memory) => memory.id)).toEqual(
        (await list(userId, { sort, limit: 100 })).memories.map((memory) => memory.id),
      );
    },
  );

  test("a page that fits exactly is the last one", async () => {
    expect((await list(userId, { limit: count })).next_cursor).toBeNull();
    expect(await walk({ limit: 5 })).toHaveLength(count);
  });

  test("offset walks through all of them without gap or repeat", async () => {
    const walked: Memory[] = [];
    for (let offset = 0; offset < count; offset += 10) {
      const page = await list(userId, { limit: 10, offset });
      expect(page).toMatchObject({ total: count, limit: 10, offset });
      walked.push(...page.memories);
    }
    expect(ids(walked)).toEqual(all);
    expect(await list(userId, { offset: count })).toMatchObject({ memories: [], total: count });
  });

  test("the cursor is not disturbed by a memory that comes or goes meanwhile", async () => {
    const owner = unique("list");
    for (let number = 0; number < 6; number++) await create({ user_id: owner, content: `Запись номер ${number}` });
    const first = await list(owner, { limit: 2 });
    expect(contents(first)).toEqual(["Запись номер 5", "Запись номер 4"]);
    await create({ user_id: owner, content: "Новая запись" });
    await api("DELETE", `/api/memories/${at(first.memories, 1).id}`);
    const second = await list(owner, { limit: 2, cursor: first.next_cursor ?? "" });
    expect(contents(second)).toEqual(["Запись номер 3", "Запись номер 2"]);
  });

  test("a cursor that was cut or changed is 400", async () => {
    const { next_cursor: cursor } = await list(userId, { limit: 7 });
    for (const bad of [(cursor ?? "").slice(0, -3), [...(cursor ?? "")].toReversed().join(""), "AAAA"]) {
      const answer = await api("GET", `/api/memories/user/${userId}?cursor=${encodeURIComponent(bad)}`);
      expect(answer).toMatchObject({ status: 400, body: { error: "Bad Request" } });
    }
  });
});
