// Guide, chapter 4 "API Reference": its requests, its texts, and the answers that CONTRACT.md makes of them.
import { beforeAll, describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import {
  absentId,
  contents,
  create,
  get,
  idPattern,
  ids,
  indexed,
  list,
  memoryFields,
  search,
  timePattern,
  unique,
  type Hit,
  type Memory,
  type Page,
} from "../memories.ts";

const email = "Пользователь предпочитает получать уведомления по email";
const emailAndSms = "Пользователь предпочитает получать уведомления по email и SMS";
const noPush = "Пользователь не хочет получать push-уведомления";
const stack = "Проект X использует стек технологий: React, Node.js, PostgreSQL";
const question = "Какие предпочтения по уведомлениям у пользователя?";

function guideMemory(userId: string): Record<string, unknown> {
  return {
    user_id: userId,
    content: email,
    type: "preference",
    session_id: "session456",
    agent_id: "assistant789",
    metadata: { source: "user_settings", timestamp: "2025-05-18T10:30:00Z" },
  };
}

describe("POST /api/memories", () => {
  test("201 with the memory in full", async () => {
    const userId = unique("user123");
    const answer = await api<Memory>("POST", "/api/memories", { body: guideMemory(userId) });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
    for (const field of memoryFields) expect(answer.body).toHaveProperty(field);
    expect(answer.body).toMatchObject({
      ...guideMemory(userId),
      level: "user",
      key: null,
      expires_at: null,
      valid_to: null,
      superseded_by: null,
      seen_count: 1,
    });
    expect(answer.body.id).toMatch(idPattern);
    expect(answer.body.created_at).toMatch(timePattern);
    expect(answer.body.updated_at).toBe(answer.body.created_at);
    expect(["pending", "indexed"]).toContain(answer.body.index_status);
  });

  test("occurred_at is the metadata's timestamp, created_at is now", async () => {
    const before = Date.now();
    const memory = await create(guideMemory(unique("user123")));
    expect(Date.parse(memory.occurred_at)).toBe(Date.parse("2025-05-18T10:30:00Z"));
    expect(Math.abs(Date.parse(memory.created_at) - before)).toBeLessThan(60_000);
  });

  test.each([
    { content: email, type: "fact" },
    { content: "Пользователь предпочитает краткие ответы без технических деталей", type: "preference" },
    { content: "Пользователь спрашивал о настройке API ключей 15 мая 2025", type: "interaction" },
    { content: "Последний вход в систему: 18 мая 2025", type: "metadata" },
  ])("keeps the type $type", async ({ content, type }) => {
    const userId = unique("user123");
    expect(await create({ user_id: userId, content, type })).toMatchObject({ content, type });
    expect((await list(userId, { type })).memories).toMatchObject([{ content, type }]);
  });
});

describe("POST /api/memories/search", () => {
  const userId = unique("user123");
  const asked = { user_id: userId, query: question, relevance_threshold: 0.7, limit: 5 };
  const asGuide = { ...asked, types: ["preference", "fact"], session_id: "session456", agent_id: "assistant789" };

  beforeAll(async () => {
    const memories = [
      await create(guideMemory(userId)),
      await create({ user_id: userId, content: noPush, type: "preference" }),
      await create({ user_id: userId, content: stack, type: "fact" }),
    ];
    // Findable the moment they are committed, before any vector exists.
    const found = await search({ user_id: userId, query: question });
    expect(contents(found)).toEqual(expect.arrayContaining([email, noPush]));
    await indexed(...memories);
  });

  test("0.7 lets both memories on notifications pass, and not the stack of a project", async () => {
    const found = await search(asGuide);
    expect(contents(found).sort()).toEqual([email, noPush].sort());
    expect(found.total).toBe(2);
  });

  test("gives each memory its score, the best one first", async () => {
    const { memories } = await search(asGuide);
    const scores = memories.map((memory: Hit) => memory.relevance_score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    for (const memory of memories) {
      expect(memory.relevance_score).toBeGreaterThanOrEqual(0.7);
      expect(memory.relevance_score).toBeLessThanOrEqual(1);
      for (const field of memoryFields) expect(memory).toHaveProperty(field);
    }
  });

  test("answers the same without types, session and agent", async () => {
    expect(contents(await search(asked)).sort()).toEqual([email, noPush].sort());
  });

  test("finds the stack when asked for it", async () => {
    const found = await search({ ...asked, query: "Какой стек технологий использует проект X?" });
    expect(contents(found)).toEqual([stack]);
  });
});

describe("GET /api/memories/:id", () => {
  test("200 with the memory that was stored", async () => {
    const userId = unique("user123");
    const stored = await create(guideMemory(userId));
    expect(await get(stored.id)).toMatchObject({
      id: stored.id,
      user_id: userId,
      content: email,
      type: "preference",
      created_at: stored.created_at,
      updated_at: stored.updated_at,
      metadata: { source: "user_settings", timestamp: "2025-05-18T10:30:00Z" },
    });
  });

  test("404 for the guide's own example id", async () => {
    const answer = await api("GET", "/api/memories/mem_1234567890");
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({
      error: "Not Found",
      message: expect.any(String),
      request_id: expect.any(String),
    });
  });
});

describe("PUT /api/memories/:id", () => {
  const body = {
    content: emailAndSms,
    metadata: { source: "user_settings", timestamp: "2025-05-19T15:45:00Z", updated_by: "system" },
  };

  test("200 with the new content and exactly the given metadata", async () => {
    const userId = unique("user123");
    const stored = await create({ ...guideMemory(userId), metadata: { source: "user_settings", old: true } });
    const answer = await api<Memory>("PUT", `/api/memories/${stored.id}`, { body });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id: stored.id, user_id: userId, content: emailAndSms, type: "preference" });
    expect(answer.body.metadata).toEqual(body.metadata);
    expect(answer.body.created_at).toBe(stored.created_at);
    expect(Date.parse(answer.body.updated_at)).toBeGreaterThan(Date.parse(stored.updated_at));
    expect(await get(stored.id)).toMatchObject({ content: emailAndSms, metadata: body.metadata });
  });

  test("the new content is what a search finds", async () => {
    const userId = unique("user123");
    const stored = await create(guideMemory(userId));
    await api("PUT", `/api/memories/${stored.id}`, { body });
    await indexed(stored);
    const found = await search({ user_id: userId, query: question, relevance_threshold: 0.7, limit: 5 });
    expect(contents(found)).toEqual([emailAndSms]);
  });
});

describe("DELETE /api/memories/:id", () => {
  async function remove(id: string, headers: Record<string, string> = {}) {
    return api<{ success: boolean; message: string }>("DELETE", `/api/memories/${id}`, { headers });
  }

  test("200 in the guide's words, then it is gone and a second time is 404", async () => {
    const userId = unique("user123");
    const { id } = await create(guideMemory(userId));
    const answer = await remove(id);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ success: true, message: "Воспоминание успешно удалено" });
    expect((await remove(id)).status).toBe(404);
    expect((await api("GET", `/api/memories/${id}`)).status).toBe(404);
    expect(await list(userId)).toMatchObject({ memories: [], total: 0 });
    expect(await search({ user_id: userId, query: question })).toMatchObject({ memories: [], total: 0 });
  });

  test.each(["en", "en-US,en;q=0.9", "ru;q=0.3, en;q=0.8"])(
    "says so in English for Accept-Language: %s",
    async (language) => {
      const { id } = await create(guideMemory(unique("user123")));
      const answer = await remove(id, { "accept-language": language });
      expect(answer.body.success).toBe(true);
      expect(answer.body.message).toMatch(/delet|remov/i);
      expect(answer.body.message).not.toMatch(/[а-яё]/i);
    },
  );

  test.each(["ru", "ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", "de"])(
    "says so in Russian for Accept-Language: %s",
    async (language) => {
      const { id } = await create(guideMemory(unique("user123")));
      const answer = await remove(id, { "accept-language": language });
      expect(answer.body).toEqual({ success: true, message: "Воспоминание успешно удалено" });
    },
  );

  test("404 for an id that nothing has", async () => {
    expect((await api("DELETE", `/api/memories/${absentId}`)).status).toBe(404);
    expect((await api("DELETE", "/api/memories/mem_1234567890")).status).toBe(404);
  });
});

describe("GET /api/memories/user/:user_id", () => {
  test("200 with the memories, total, limit and offset", async () => {
    const userId = unique("user123");
    const older = await create({ user_id: userId, content: noPush, type: "preference" });
    const newer = await create({ user_id: userId, content: emailAndSms, type: "preference" });
    const answer = await api<Page>("GET", `/api/memories/user/${userId}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ total: 2, limit: 10, offset: 0, next_cursor: null });
    expect(answer.body.memories.map((memory) => memory.id)).toEqual([newer.id, older.id]);
    for (const field of memoryFields) expect(answer.body.memories[0]).toHaveProperty(field);
  });

  test("type, limit and offset choose among them; total counts them all", async () => {
    const userId = unique("user123");
    await create({ user_id: userId, content: stack, type: "fact" });
    const older = await create({ user_id: userId, content: noPush, type: "preference" });
    const newer = await create({ user_id: userId, content: email, type: "preference" });
    const first = await list(userId, { type: "preference", limit: 1 });
    expect(first).toMatchObject({ total: 2, limit: 1, offset: 0, next_cursor: expect.any(String) });
    expect(ids(first)).toEqual([newer.id]);
    const second = await list(userId, { type: "preference", limit: 1, offset: 1 });
    expect(second).toMatchObject({ total: 2, limit: 1, offset: 1 });
    expect(ids(second)).toEqual([older.id]);
  });

  test("200 and empty for a user nobody has heard of", async () => {
    expect(await list(unique("nobody"))).toMatchObject({ memories: [], total: 0, next_cursor: null });
  });
});
