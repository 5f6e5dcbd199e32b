// CONTRACT.md 2 and 3: what a new memory looks like, and what `wait` and time to live do.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { create, get, idPattern, list, memoryFields, search, timePattern, unique, type Memory } from "../memories.ts";
import { until } from "../until.ts";

describe("POST /api/memories", () => {
  test("201 with the defaults: a fact of the user, for ever", async () => {
    const userId = unique("create");
    const memory = await create({ user_id: userId, content: "Любит чай" });
    expect(Object.keys(memory)).toEqual(expect.arrayContaining([...memoryFields]));
    expect(memory).toMatchObject({
      id: expect.stringMatching(idPattern),
      user_id: userId,
      agent_id: null,
      session_id: null,
      level: "user",
      type: "fact",
      key: null,
      content: "Любит чай",
      metadata: {},
      expires_at: null,
      valid_to: null,
      superseded_by: null,
      seen_count: 1,
    });
    for (const field of ["occurred_at", "created_at", "updated_at", "valid_from"] as const) {
      expect(memory[field]).toMatch(timePattern);
    }
    expect(memory.duplicate ?? false).toBe(false);
  });

  test("201 with everything given", async () => {
    const body = {
      user_id: unique("create"),
      agent_id: "assistant789",
      session_id: "session456",
      level: "session",
      type: "my-own-type",
      key: "drink",
      content: "Пьёт чай по утрам",
      metadata: { source: "chat", nested: { list: [1, "два", null, true] } },
      importance: 0.8,
      categories: ["еда", "привычки"],
    };
    const occurredAt = "2025-05-18T13:30:00+03:00";
    const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
    const memory = await create({ ...body, occurred_at: occurredAt, expires_at: expiresAt });
    expect(memory).toMatchObject(body);
    expect(Date.parse(memory.occurred_at)).toBe(Date.parse(occurredAt));
    expect(memory.occurred_at).toMatch(timePattern);
    expect(Date.parse(memory.expires_at ?? "")).toBe(Date.parse(expiresAt));
  });

  test("the same shape from create, get, list and search", async () => {
    const userId = unique("create");
    const created = await api<Memory>("POST", "/api/memories", {
      body: { user_id: userId, content: "Любит чай", wait: true },
    });
    const read = await get(created.body.id);
    expect(created.body).toMatchObject({ ...read });
    expect((await list(userId)).memories).toEqual([read]);
    expect((await search({ user_id: userId })).memories).toEqual([{ ...read, relevance_score: 1 }]);
  });

  test("201 for the level agent without a user", async () => {
    const memory = await create({ agent_id: unique("agent"), level: "agent", content: "Отвечает вежливо" });
    expect(memory).toMatchObject({ user_id: null, level: "agent" });
  });

  test("what one API wrote, every API reads at once", async () => {
    const userId = unique("create");
    for (let turn = 0; turn < 10; turn++) {
      const { id } = await create({ user_id: userId, content: `Запись номер ${turn}` });
      expect((await get(id)).content).toBe(`Запись номер ${turn}`);
    }
    expect((await list(userId)).total).toBe(10);
  });

  test("50 at once are 50 memories", async () => {
    const userId = unique("create");
    const turns = Array.from({ length: 50 }, (_, turn) => turn);
    const memories = await Promise.all(
      turns.map((turn) => create({ user_id: userId, content: `Одновременно ${turn}` })),
    );
    expect(new Set(memories.map((memory) => memory.id)).size).toBe(50);
    memories.forEach((memory, turn) => expect(memory.content).toBe(`Одновременно ${turn}`));
    expect((await list(userId)).total).toBe(50);
  });
});

describe("wait", () => {
  test.each([true, 30, "30"])("wait: %p answers when the memory is indexed", async (wait) => {
    const memory = await create({ user_id: unique("create"), content: "Любит чай", wait });
    expect(memory.index_status).toBe("indexed");
  });

  test("a duplicate and a PUT wait, too", async () => {
    const body = { user_id: unique("create"), content: "Любит чай", wait: true };
    const { id } = await create(body);
    expect((await api<Memory>("POST", "/api/memories", { body })).body).toMatchObject({
      duplicate: true,
      index_status: "indexed",
    });
    const changed = await api<Memory>("PUT", `/api/memories/${id}`, { body: { content: "Любит кофе", wait: true } });
    expect(changed.body).toMatchObject({ content: "Любит кофе" });
    expect(changed.body.warnings ?? []).toEqual([]);
    expect(changed.body.index_status).toBe("indexed");
  });

  test("without it the memory is indexed soon", async () => {
    const { id } = await create({ user_id: unique("create"), content: "Любит чай" });
    await until("the memory to be indexed", async () => (await get(id)).index_status === "indexed");
  });
});

describe("ttl_seconds and expires_at", () => {
  test("ttl_seconds sets expires_at", async () => {
    const memory = await create({ user_id: unique("create"), content: "Пароль от Wi-Fi", ttl_seconds: 3600 });
    const aheadMs = Date.parse(memory.expires_at ?? "") - Date.parse(memory.created_at);
    expect(Math.abs(aheadMs - 3_600_000)).toBeLessThan(5_000);
  });

  test("an expired memory is neither found nor listed", async () => {
    const userId = unique("create");
    await create({ user_id: userId, content: "Недолгая запись", ttl_seconds: 1 });
    const lasting = await create({ user_id: userId, content: "Долгая запись" });
    await until("the memory to expire", async () => (await search({ user_id: userId })).total === 1);
    expect((await search({ user_id: userId, query: "запись" })).memories).toMatchObject([{ id: lasting.id }]);
    expect((await list(userId)).memories).toMatchObject([{ id: lasting.id }]);
  });
});
