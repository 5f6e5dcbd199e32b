// CONTRACT.md 3: restore, the end of a session, an agent's own memories, retention before it is switched on.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { expectError, names } from "../errors.ts";
import { absentId, create, get, unique, type Found, type Memory, type Page } from "../memories.ts";
import { target } from "../target.ts";
import { until } from "../until.ts";

const contents = async (userId: string, query = "") =>
  (await api<Page>("GET", `/api/memories/user/${userId}${query}`)).body.memories.map((one) => one.content).sort();

describe("POST /api/memories/:id/restore", () => {
  test("a retired state stands again in the place of the newer one, and is found", async () => {
    const userId = unique("restore");
    const dark = await create({ user_id: userId, content: "Предпочитает тёмную тему", key: "theme" });
    const light = await create({ user_id: userId, content: "Предпочитает светлую тему", key: "theme", wait: true });
    const answer = await api<Memory>("POST", `/api/memories/${dark.id}/restore`);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id: dark.id, valid_to: null, superseded_by: null });
    expect(await contents(userId)).toEqual(["Предпочитает тёмную тему"]);
    expect((await get(light.id)).superseded_by).toBe(dark.id);
    const found = await api<Found>("POST", "/api/memories/search", {
      body: { user_id: userId, query: "какую тему предпочитает" },
    });
    expect(found.body.memories.map((one) => one.id)).toEqual([dark.id]);
    expect((await api<Memory>("POST", `/api/memories/${dark.id}/restore`)).body.version).toBe(
      (await get(dark.id)).version,
    );
  });

  test.each([absentId, "nonsense"])("404 for %s", async (id) => {
    expectError(await api("POST", `/api/memories/${id}/restore`), 404);
  });
});

/** A model decides by itself what should last. */
const withRules = target.kind === "embedded" ? test : test.skip;

describe("POST /api/sessions/:session_id/end", () => {
  test("clears the session's own memories and leaves the lasting ones", async () => {
    const userId = unique("session");
    await create({ user_id: userId, session_id: "s", level: "session", content: "Ищет билеты в Сочи" });
    await create({ user_id: userId, session_id: "s", content: "Любит место у окна" });
    await create({ user_id: userId, session_id: "t", level: "session", content: "Другая сессия" });
    const answer = await api("POST", "/api/sessions/s/end", { body: { user_id: userId } });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ cleared: 1 });
    expect(await contents(userId)).toEqual(["Другая сессия", "Любит место у окна"]);
    expect((await api("POST", "/api/sessions/s/end", { body: { user_id: userId } })).body).toEqual({ cleared: 0 });
  });

  test("with promote what lasts is taken out first, and then it is cleared", async () => {
    const userId = unique("session");
    await create({ user_id: userId, session_id: "s", level: "session", content: "Я живу в Казани" });
    const answer = await api<{ cleared: number; event_id: string }>("POST", "/api/sessions/s/end", {
      body: { user_id: userId, promote: true },
    });
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({ cleared: 0, event_id: expect.stringMatching(/^evt_/) });
    await until(
      "the event",
      async () => (await api<{ status: string }>("GET", `/api/events/${answer.body.event_id}`)).body.status === "done",
    );
    expect(await contents(userId)).toEqual(["Я живу в Казани"]);
    expect(await contents(userId, "?level=user")).toEqual(["Я живу в Казани"]);
  });

  withRules("with promote, rules lose nothing that an agent noted about the user", async () => {
    const userId = unique("session");
    const notes = ["Пользователь ищет билеты в Сочи", "Предпочитает место у окна"];
    for (const content of notes)
      await create({ user_id: userId, session_id: "s", level: "session", type: "preference", content });
    const body = { user_id: userId, promote: true };
    const answer = await api<{ event_id: string }>("POST", "/api/sessions/s/end", { body });
    await until(
      "the event",
      async () => (await api<{ status: string }>("GET", `/api/events/${answer.body.event_id}`)).body.status === "done",
    );
    expect(await contents(userId, "?level=user")).toEqual(notes);
    expect(await contents(userId, "?level=session")).toEqual([]);
  });

  test("with promote of more than are read, the answer says how many are not", async () => {
    const userId = unique("session");
    const memories = Array.from({ length: 502 }, (_, i) => ({
      user_id: userId,
      session_id: "s",
      level: "session",
      content: `Заметка ${i}`,
    }));
    await api("POST", "/api/memories/bulk", { body: { memories } });
    const body = { user_id: userId, promote: true };
    const answer = await api<{ warnings: string[] }>("POST", "/api/sessions/s/end", { body });
    expect(answer.body.warnings).toEqual([expect.stringContaining("the oldest 2 of them")]);
  });

  test("400 without a user", async () => {
    const answer = await api("POST", "/api/sessions/s/end", { body: {} });
    expectError(answer, 400);
    expect(names(answer.body, "user_id")).toBe(true);
  });
});

describe("GET /api/agents/:agent_id/memories", () => {
  test("an agent's own memories, shared and of each user", async () => {
    const agentId = unique("agent");
    await create({ agent_id: agentId, level: "agent", content: "Отвечает кратко" });
    await create({ agent_id: agentId, level: "agent", user_id: "u", content: "С этим на ты" });
    await create({ agent_id: agentId, user_id: "u", content: "Память пользователя" });
    const listed = async (query = "") =>
      (await api<Page>("GET", `/api/agents/${agentId}/memories${query}`)).body.memories
        .map((one) => one.content)
        .sort();
    expect(await listed()).toEqual(["Отвечает кратко", "С этим на ты"]);
    expect(await listed("?user_id=u")).toEqual(["С этим на ты"]);
    expect((await api<Page>("GET", `/api/agents/${unique("agent")}/memories`)).body).toMatchObject({
      memories: [],
      total: 0,
    });
  });

  test("as_of: what it held then, before a newer state took its place", async () => {
    const agentId = unique("agent");
    const put = (content: string) => create({ agent_id: agentId, level: "agent", key: "tone", content });
    const first = await put("Отвечает кратко");
    const second = await put("Отвечает подробно");
    const listed = async (query: string) =>
      (await api<Page>("GET", `/api/agents/${agentId}/memories${query}`)).body.memories.map((one) => one.id);
    const { valid_to: retiredAt } = await get(first.id);
    expect(await listed("")).toEqual([second.id]);
    expect(await listed(`?as_of=${retiredAt}`)).toEqual([second.id]);
    expect(await listed(`?as_of=${first.valid_from}`)).toEqual([first.id]);
    expect(await listed("?as_of=2001-01-01T00:00:00Z")).toEqual([]);
    expectError(await api("GET", `/api/agents/${agentId}/memories?as_of=soon`), 400);
  });
});

test("as_of: a change corrects a memory for all of its time, and its history has what it said", async () => {
  const userId = unique("correct");
  const { id, valid_from: from } = await create({ user_id: userId, content: "Живёт в Москве" });
  await api("PUT", `/api/memories/${id}`, { body: { content: "Живёт в Казани" } });
  expect(await contents(userId, `?as_of=${from}`)).toEqual(["Живёт в Казани"]);
  const { body } = await api<{ history: { content: string }[] }>("GET", `/api/memories/${id}/history`);
  expect(JSON.stringify(body)).toContain("Живёт в Москве");
});

describe("GET /api/retention/preview", () => {
  test("tells what rules would delete, and deletes nothing", async () => {
    const answer = await api("GET", "/api/retention/preview?days=1&type=interaction%3D30&level=agent%3D7");
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      rules: { days: 1, by_type: { interaction: 30 }, by_level: { agent: 7 } },
      would_delete: expect.any(Array),
      total: expect.any(Number),
    });
    expect((await api("GET", "/api/retention/preview")).body).toMatchObject({ rules: { days: null }, total: 0 });
  });

  test.each([
    ["days=0", "days"],
    ["type=interaction", "type"],
    ["level=galaxy%3D5", "level"],
  ])("400 for %s", async (query, field) => {
    const answer = await api("GET", `/api/retention/preview?${query}`);
    expectError(answer, 400);
    expect(names(answer.body, field)).toBe(true);
  });
});
