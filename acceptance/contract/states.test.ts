// CONTRACT.md 2: states merge, events are kept, a key is a slot.
import { describe, expect, test } from "@jest/globals";
import { create, contents, get, idPattern, ids, list, put, search, unique } from "../memories.ts";
import { instantBetween } from "../until.ts";

describe("states", () => {
  test("the same again: 200, the same id, duplicate, counted", async () => {
    const body = { user_id: unique("states"), content: "Любит чай", type: "preference" };
    const first = await create(body);
    const { status, memory } = await put(body);
    expect(status).toBe(200);
    expect(memory).toMatchObject({ id: first.id, duplicate: true, seen_count: 2, created_at: first.created_at });
    expect(await list(body.user_id)).toMatchObject({ total: 1, memories: [{ seen_count: 2 }] });
  });

  test("newer metadata is merged in and moves updated_at; a mere repetition does not", async () => {
    const body = { user_id: unique("states"), content: "Любит чай" };
    const first = await create({ ...body, metadata: { a: 1, b: 1 } });
    await instantBetween();
    const repeated = (await put(body)).memory;
    expect(repeated).toMatchObject({
      metadata: { a: 1, b: 1 },
      updated_at: first.updated_at,
      version: first.version,
      seen_count: 2,
    });
    const merged = (await put({ ...body, metadata: { b: 2, c: 3 } })).memory;
    expect(merged.metadata).toEqual({ a: 1, b: 2, c: 3 });
    expect(merged.seen_count).toBe(3);
    expect(Date.parse(merged.updated_at)).toBeGreaterThan(Date.parse(first.updated_at));
  });

  test("whitespace around and the Unicode form make no difference", async () => {
    const userId = unique("states");
    const content = "Пользователь предпочитает йогурт и ёлку";
    expect(content.normalize("NFD")).not.toBe(content);
    const first = await create({ user_id: userId, content });
    for (const variant of [content.normalize("NFD"), `  ${content}\n`, `\t${content.normalize("NFD")} `]) {
      expect(await put({ user_id: userId, content: variant })).toMatchObject({
        status: 200,
        memory: { id: first.id, duplicate: true },
      });
    }
    expect(await list(userId)).toMatchObject({ total: 1, memories: [{ content, seen_count: 4 }] });
  });

  test.each([
    ["type", { type: "preference" }],
    ["user", { user_id: unique("states-other") }],
    ["level", { level: "session", session_id: "s1" }],
  ])("another %s is another memory", async (_what, other) => {
    const body = { user_id: unique("states"), content: "Любит чай" };
    const first = await create(body);
    expect((await create({ ...body, ...other })).id).not.toBe(first.id);
  });

  test("the same said in two sessions is one memory that both sessions' filters find", async () => {
    const userId = unique("states");
    const first = await create({ user_id: userId, content: "Любит чай", session_id: "s1", agent_id: "a1" });
    const second = await put({ user_id: userId, content: "Любит чай", session_id: "s2", agent_id: "a2" });
    expect(second).toMatchObject({ status: 200, memory: { id: first.id, session_id: "s2", agent_id: "a2" } });
    for (const query of [{ session_id: "s1" }, { session_id: "s2" }, { agent_id: "a1" }, { agent_id: "a2" }]) {
      expect(ids(await list(userId, query))).toEqual([first.id]);
    }
    expect((await list(userId, { session_id: "s3" })).total).toBe(0);
  });

  test("the same in two sessions of the level session are two memories", async () => {
    const body = { user_id: unique("states"), content: "Любит чай", level: "session" };
    const first = await create({ ...body, session_id: "s1" });
    expect((await create({ ...body, session_id: "s2" })).id).not.toBe(first.id);
  });

  test("twenty at once are one memory, seen twenty times", async () => {
    const body = { user_id: unique("states"), content: "Любит чай" };
    const answers = await Promise.all(Array.from({ length: 20 }, () => put(body)));
    expect(new Set(answers.map(({ memory }) => memory.id)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect((await list(body.user_id)).memories).toMatchObject([{ seen_count: 20 }]);
  });
});

describe("events", () => {
  test("an interaction said twice is two memories", async () => {
    const body = { user_id: unique("states"), content: "Пользователь спросил о погоде", type: "interaction" };
    const first = await create(body);
    const second = await create(body);
    expect(second.id).toMatch(idPattern);
    expect(second.id).not.toBe(first.id);
    expect(second.duplicate ?? false).toBe(false);
    expect(await list(body.user_id)).toMatchObject({ total: 2, memories: [{ seen_count: 1 }, { seen_count: 1 }] });
  });

  test("twenty at once are twenty memories", async () => {
    const body = { user_id: unique("states"), content: "Пользователь спросил о погоде", type: "interaction" };
    const memories = await Promise.all(Array.from({ length: 20 }, () => create(body)));
    expect(new Set(memories.map((memory) => memory.id)).size).toBe(20);
  });
});

describe("slots", () => {
  const theme = (userId: string, colour: string) => ({
    user_id: userId,
    content: `Пользователь предпочитает тему: ${colour}`,
    type: "preference",
    key: "theme",
  });

  test("a newer state with the same key retires the older", async () => {
    const userId = unique("slots");
    const dark = await create(theme(userId, "тёмная"));
    const light = await create(theme(userId, "светлая"));
    expect(light.id).not.toBe(dark.id);
    expect(await list(userId)).toMatchObject({ total: 1, memories: [{ id: light.id, key: "theme", valid_to: null }] });
    expect(await list(userId, { key: "theme" })).toMatchObject({ total: 1, memories: [{ id: light.id }] });
    expect(ids(await search({ user_id: userId }))).toEqual([light.id]);
    expect(ids(await search({ user_id: userId, query: "Какую тему предпочитает пользователь? тёмная" }))).toEqual([
      light.id,
    ]);
    expect(await get(dark.id)).toMatchObject({ id: dark.id, superseded_by: light.id, valid_to: expect.any(String) });
  });

  test("the former value may come back, as a memory of its own", async () => {
    const userId = unique("slots");
    const dark = await create(theme(userId, "тёмная"));
    await create(theme(userId, "светлая"));
    const again = await create(theme(userId, "тёмная"));
    expect(again.id).not.toBe(dark.id);
    expect(contents(await list(userId))).toEqual([again.content]);
  });

  test("the same value again is a duplicate", async () => {
    const userId = unique("slots");
    const dark = await create(theme(userId, "тёмная"));
    expect(await put(theme(userId, "тёмная"))).toMatchObject({ status: 200, memory: { id: dark.id, duplicate: true } });
  });

  test("keys, users and sessions are slots of their own", async () => {
    const [userId, other] = [unique("slots"), unique("slots")];
    await create(theme(userId, "тёмная"));
    await create(theme(other, "светлая"));
    await create({ ...theme(userId, "крупный шрифт"), key: "font" });
    await create({ ...theme(userId, "синяя"), level: "session", session_id: "s1" });
    await create({ ...theme(userId, "красная"), level: "session", session_id: "s2" });
    expect((await list(userId)).total).toBe(4);
    expect((await list(other)).total).toBe(1);
  });

  test("eight at once leave exactly one", async () => {
    const userId = unique("slots");
    const colours = Array.from({ length: 8 }, (_, number) => `цвет ${number}`);
    await Promise.all(colours.map((colour) => create(theme(userId, colour))));
    expect((await list(userId)).total).toBe(1);
    expect((await search({ user_id: userId })).total).toBe(1);
  });
});
