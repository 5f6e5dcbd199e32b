// CONTRACT.md 1: lenient in, strict out.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { create, get, list, search, unique, type Memory } from "../memories.ts";

describe("unknown fields", () => {
  test("are ignored and named when a memory is created", async () => {
    const memory = await create({
      user_id: unique("lenient"),
      content: "Любит чай",
      colour: "green",
      nested: { a: 1 },
    });
    expect(memory.warnings).toHaveLength(2);
    expect(JSON.stringify(memory.warnings)).toContain("colour");
    expect(JSON.stringify(memory.warnings)).toContain("nested");
    expect(memory).not.toHaveProperty("colour");
    expect(await get(memory.id)).not.toHaveProperty("colour");
  });

  test("are named in a search, a PUT, a PATCH", async () => {
    const userId = unique("lenient");
    const { id } = await create({ user_id: userId, content: "Любит чай" });
    expect(JSON.stringify((await search({ user_id: userId, querry: "чай" })).warnings)).toContain("querry");
    for (const method of ["PUT", "PATCH"]) {
      const answer = await api<Memory>(method, `/api/memories/${id}`, { body: { importance: 0.5, colour: "green" } });
      expect(answer.status).toBe(200);
      expect(JSON.stringify(answer.body.warnings)).toContain("colour");
    }
  });

  test("in a query string do no harm", async () => {
    const userId = unique("lenient");
    await create({ user_id: userId, content: "Любит чай" });
    expect((await list(userId, { colour: "green" })).total).toBe(1);
  });

  test("a body without them has no warnings", async () => {
    const userId = unique("lenient");
    const memory = await create({ user_id: userId, content: "Любит чай" });
    expect(memory.warnings ?? []).toEqual([]);
    expect((await search({ user_id: userId })).warnings ?? []).toEqual([]);
  });

  test.each(["__proto__", "constructor", "toString"])("%s is an unknown field like any other", async (name) => {
    const raw = JSON.stringify({ user_id: unique("lenient"), content: "Любит чай" }).replace(
      "{",
      `{"${name}": {"level": "agent"}, `,
    );
    const answer = await api<Memory>("POST", "/api/memories", { raw, headers: { "content-type": "application/json" } });
    expect(answer.status).toBe(201);
    expect(answer.body.level).toBe("user");
  });
});

describe("null", () => {
  test("for an optional field is absent", async () => {
    const memory = await create({
      user_id: unique("lenient"),
      content: "Любит чай",
      type: null,
      level: null,
      key: null,
      session_id: null,
      agent_id: null,
      metadata: null,
      importance: null,
      categories: null,
      occurred_at: null,
      expires_at: null,
      ttl_seconds: null,
      infer: null,
      wait: null,
    });
    expect(memory).toMatchObject({
      type: "fact",
      level: "user",
      key: null,
      session_id: null,
      agent_id: null,
      metadata: {},
      expires_at: null,
    });
    expect(memory.warnings ?? []).toEqual([]);
  });

  test("for the optional fields of a search is absent", async () => {
    const userId = unique("lenient");
    await create({ user_id: userId, content: "Любит чай" });
    const found = await search({
      user_id: userId,
      query: null,
      relevance_threshold: null,
      limit: null,
      types: null,
      session_id: null,
      agent_id: null,
      level: null,
      scope: null,
      created_after: null,
      created_before: null,
      explain: null,
      strict: null,
    });
    expect(found).toMatchObject({ total: 1, memories: [{ content: "Любит чай", relevance_score: 1 }] });
  });

  test("in a PUT changes nothing", async () => {
    const { id } = await create({ user_id: unique("lenient"), content: "Любит чай", metadata: { a: 1 } });
    const answer = await api<Memory>("PUT", `/api/memories/${id}`, {
      body: { content: null, metadata: null, type: "preference" },
    });
    expect(answer).toMatchObject({
      status: 200,
      body: { content: "Любит чай", metadata: { a: 1 }, type: "preference" },
    });
  });

  test("for a required field is missing", async () => {
    const answer = await api("POST", "/api/memories", { body: { user_id: null, content: "Любит чай" } });
    expect(answer).toMatchObject({ status: 400, body: { message: "Missing required field: user_id" } });
  });
});

describe("numbers and texts", () => {
  test("numeric ids are strings", async () => {
    const userId = Number(`8${Date.now()}`);
    const memory = await create({ user_id: userId, session_id: 42, agent_id: 7, content: "Любит чай" });
    expect(memory).toMatchObject({ user_id: String(userId), session_id: "42", agent_id: "7" });
    expect((await list(String(userId))).total).toBe(1);
    expect((await search({ user_id: userId, session_id: 42, agent_id: 7 })).total).toBe(1);
  });

  test('"2" is the limit 2, "0.7" the threshold 0.7', async () => {
    const userId = unique("lenient");
    for (const drink of ["чай", "кофе", "сок"]) await create({ user_id: userId, content: `Любит ${drink}` });
    expect((await search({ user_id: userId, limit: "2", relevance_threshold: "0.7" })).total).toBe(2);
  });

  test('"0.9" is the importance 0.9', async () => {
    expect(await create({ user_id: unique("lenient"), content: "Любит чай", importance: "0.9" })).toMatchObject({
      importance: 0.9,
    });
  });

  test("a charset in the content type is fine", async () => {
    const body = { user_id: unique("lenient"), content: "Любит чай" };
    const headers = { "content-type": "application/json; charset=utf-8" };
    expect((await api("POST", "/api/memories", { body, headers })).status).toBe(201);
  });
});
