// CONTRACT.md 1 and 3: PUT replaces given metadata, PATCH merges it; neither moves a memory to another scope.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { contents, create, get, indexed, list, search, unique, type Memory } from "../memories.ts";
import { instantBetween } from "../until.ts";

const change = (method: string, id: string, body: unknown) => api<Memory>(method, `/api/memories/${id}`, { body });

describe.each(["PUT", "PATCH"])("%s /api/memories/:id", (method) => {
  test("200 with the memory as it is now; id and created_at stay, version and updated_at move", async () => {
    const before = await create({ user_id: unique("update"), content: "Любит чай", type: "fact" });
    await instantBetween();
    const answer = await change(method, before.id, {
      content: "Любит зелёный чай",
      type: "preference",
      key: "drink",
      importance: 0.7,
      categories: ["еда"],
      occurred_at: "2025-05-18T10:30:00Z",
      expires_at: "2099-01-01T00:00:00Z",
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      id: before.id,
      user_id: before.user_id,
      content: "Любит зелёный чай",
      type: "preference",
      key: "drink",
      importance: 0.7,
      categories: ["еда"],
      created_at: before.created_at,
    });
    expect(Date.parse(answer.body.occurred_at)).toBe(Date.parse("2025-05-18T10:30:00Z"));
    expect(Date.parse(answer.body.expires_at ?? "")).toBe(Date.parse("2099-01-01T00:00:00Z"));
    expect(Date.parse(answer.body.updated_at)).toBeGreaterThan(Date.parse(before.updated_at));
    expect(answer.body.version).not.toBe(before.version);
    const { index_status: _now, warnings: _none, ...told } = answer.body;
    expect(await get(before.id)).toMatchObject(told);
  });

  test("what is not given stays", async () => {
    const body = {
      user_id: unique("update"),
      content: "Любит чай",
      type: "preference",
      importance: 0.9,
      metadata: { a: 1 },
    };
    const { id } = await create(body);
    expect(await change(method, id, { content: "Любит кофе" })).toMatchObject({
      status: 200,
      body: { ...body, content: "Любит кофе" },
    });
  });

  test("the scope never changes; the attempt is named", async () => {
    const scope = { user_id: unique("update"), session_id: "s1", agent_id: "a1", level: "user" };
    const { id } = await create({ ...scope, content: "Любит чай" });
    const answer = await change(method, id, {
      content: "Любит кофе",
      user_id: unique("thief"),
      session_id: "s2",
      agent_id: "a2",
      level: "agent",
    });
    expect(answer).toMatchObject({ status: 200, body: { ...scope, content: "Любит кофе" } });
    for (const field of Object.keys(scope)) expect(JSON.stringify(answer.body.warnings)).toContain(field);
    expect(await get(id)).toMatchObject(scope);
  });

  test("409 into a text that exists, with the id that has it", async () => {
    const userId = unique("update");
    const tea = await create({ user_id: userId, content: "Любит чай" });
    const coffee = await create({ user_id: userId, content: "Любит кофе" });
    const answer = await api(method, `/api/memories/${coffee.id}`, { body: { content: " Любит чай " } });
    expect(answer).toMatchObject({ status: 409, body: { error: "Conflict", details: expect.any(Array) } });
    expect(JSON.stringify(answer.body.details)).toContain(tea.id);
    expect(contents(await list(userId)).sort()).toEqual(["Любит кофе", "Любит чай"]);
  });

  test.each([{}, { content: null }, { colour: "green" }])(
    "%j changes nothing, and the answer says so",
    async (body) => {
      const { index_status: _now, ...before } = await create({ user_id: unique("update"), content: "Любит чай" });
      const answer = await change(method, before.id, body);
      expect(answer).toMatchObject({ status: 200, body: { ...before, version: before.version } });
      expect(JSON.stringify(answer.body.warnings)).toContain("nothing has changed");
      expect((await change(method, before.id, { importance: 0.5 })).body.warnings).toBeUndefined();
    },
  );

  test("200 into its own text", async () => {
    const { id } = await create({ user_id: unique("update"), content: "Любит чай" });
    expect(await change(method, id, { content: "Любит чай" })).toMatchObject({
      status: 200,
      body: { id, content: "Любит чай" },
    });
  });

  test("interactions may say the same", async () => {
    const userId = unique("update");
    await create({ user_id: userId, content: "Спросил о чае", type: "interaction" });
    const { id } = await create({ user_id: userId, content: "Спросил о кофе", type: "interaction" });
    expect((await change(method, id, { content: "Спросил о чае" })).status).toBe(200);
  });

  test("the search forgets the old text and knows the new one", async () => {
    const userId = unique("update");
    const memory = await create({ user_id: userId, content: "Пользователь коллекционирует почтовые марки" });
    await indexed(memory);
    await change(method, memory.id, { content: "Пользователь занимается подводным плаванием" });
    await indexed(memory);
    const now = await search({ user_id: userId, query: "занимается подводным плаванием", relevance_threshold: 0.5 });
    expect(contents(now)).toEqual(["Пользователь занимается подводным плаванием"]);
    const old = await search({ user_id: userId, query: "коллекционирует почтовые марки", relevance_threshold: 0.7 });
    expect(contents(old)).toEqual([]);
  });
});

describe("metadata", () => {
  test("PUT replaces it", async () => {
    const { id } = await create({ user_id: unique("update"), content: "Любит чай", metadata: { a: 1, b: { c: 2 } } });
    expect((await change("PUT", id, { metadata: { d: 4 } })).body.metadata).toEqual({ d: 4 });
    expect((await change("PUT", id, { metadata: {} })).body.metadata).toEqual({});
  });

  test("PATCH merges it", async () => {
    const { id } = await create({ user_id: unique("update"), content: "Любит чай", metadata: { a: 1, b: 2 } });
    expect((await change("PATCH", id, { metadata: { b: 3, d: 4 } })).body.metadata).toEqual({ a: 1, b: 3, d: 4 });
    expect((await change("PATCH", id, { metadata: {} })).body.metadata).toEqual({ a: 1, b: 3, d: 4 });
  });
});
