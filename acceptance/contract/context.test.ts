// CONTRACT.md 4: POST /api/context gives what is known as one block for a prompt, without any model.
import { beforeAll, describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { expectError, names } from "../errors.ts";
import { create, unique } from "../memories.ts";

interface Context {
  context: string;
  tokens: number;
  memory_ids: string[];
}

const contextOf = async <Body = Context>(body: object) => (await api<Body>("POST", "/api/context", { body })).body;

describe("POST /api/context", () => {
  const userId = unique("context");
  const ids: Record<string, string> = {};
  beforeAll(async () => {
    ids["style"] = (
      await create({
        user_id: userId,
        content: "Предпочитает технические детали",
        type: "preference",
        importance: 0.9,
      })
    ).id;
    ids["home"] = (await create({ user_id: userId, content: "Антон живёт в Казани", wait: true })).id;
    ids["visit"] = (
      await create({
        user_id: userId,
        content: "Был у врача",
        type: "interaction",
        occurred_at: "2026-05-18T10:00:00Z",
      })
    ).id;
    await create({ user_id: unique("context"), content: "Чужая тайна о Казани" });
  });

  test("profile, what is relevant and what happened, dated, each with its id, and nobody else's", async () => {
    const { context, tokens, memory_ids: told } = await contextOf({ user_id: userId, query: "Где живёт Антон?" });
    expect(context).toMatch(/^<memories>\n/);
    expect(context).toMatch(/\n<\/memories>$/);
    expect(context).toContain(`[${ids["home"]}]`);
    expect(context).toMatch(/Profile:\n- \[mem_.+\] \(.+, today\) Предпочитает технические детали/);
    expect(context).toMatch(/2026-05-18, .+ ago\) Был у врача/);
    expect(context).not.toContain("тайна");
    expect([...told].sort()).toEqual(Object.values(ids).sort());
    expect(tokens).toBeLessThanOrEqual(800);
  });

  test("the guide's question about Docker gets the preference of style: it is profile", async () => {
    expect((await contextOf({ user_id: userId, query: "Как настроить Docker?" })).context).toContain(
      "технические детали",
    );
  });

  test("who somebody is stays known in a session in which sixty things have happened since", async () => {
    const owner = unique("context");
    const name = await create({ user_id: owner, content: "Пользователя зовут Антон" });
    const told = Array.from({ length: 61 }, (_, i) => ({
      user_id: owner,
      session_id: "s",
      type: "interaction",
      importance: 1,
      content: `Реплика номер ${i}`,
    }));
    expect((await api("POST", "/api/memories/bulk", { body: { memories: told } })).status).toBe(200);
    const { context } = await contextOf({ user_id: owner, session_id: "s" });
    expect(context).toContain(`[${name.id}]`);
    expect(context).toContain("Реплика номер");
  });

  test("the same question has the same bytes", async () => {
    const body = { user_id: userId, query: "Где живёт Антон?" };
    expect((await contextOf(body)).context).toBe((await contextOf(body)).context);
  });

  test("within its budget of tokens", async () => {
    const { tokens, memory_ids: told } = await contextOf({
      user_id: userId,
      query: "Где живёт Антон?",
      token_budget: 90,
    });
    expect(tokens).toBeLessThanOrEqual(90);
    expect(told).toHaveLength(1);
    expect(await contextOf({ user_id: userId, token_budget: 5 })).toEqual({ context: "", tokens: 0, memory_ids: [] });
  });

  test("the last words of the user are the question of a talk", async () => {
    const messages = [
      { role: "user", content: "Привет" },
      { role: "assistant", content: "Здравствуйте" },
      { role: "user", content: "Где живёт Антон?" },
    ];
    expect((await contextOf({ user_id: userId, messages })).context).toMatch(/About this:\n.*Казани/);
  });

  test("as messages and as JSON", async () => {
    const messages = await contextOf<{ context: { role: string; content: string }[] }>({
      user_id: userId,
      format: "messages",
    });
    expect(messages.context).toEqual([{ role: "system", content: expect.stringMatching(/^<memories>/) }]);
    const json = await contextOf<{ context: Record<string, { id: string }[]> }>({
      user_id: userId,
      format: "json",
      query: "Где живёт Антон?",
    });
    expect(json.context["relevant"]?.map((one) => one.id)).toContain(ids["home"]);
  });

  test("JSON has no more of a text than the budget was counted with", async () => {
    const owner = unique("context");
    await create({ user_id: owner, content: `Инструкция: ${"очень длинная ".repeat(2_000)}` });
    const { context, tokens } = await contextOf<{ context: { profile: { content: string }[] }; tokens: number }>({
      user_id: owner,
      format: "json",
    });
    expect(context.profile[0]?.content).toMatch(/^Инструкция: .{400,500}…$/u);
    expect(tokens).toBeLessThanOrEqual(800);
  });

  test("of nobody is empty", async () => {
    expect(await contextOf({ user_id: unique("context"), query: "?" })).toEqual({
      context: "",
      tokens: 0,
      memory_ids: [],
    });
  });

  test.each([
    [{}, "user_id"],
    [{ user_id: "u", token_budget: 0 }, "token_budget"],
    [{ user_id: "u", format: "yaml" }, "format"],
    [{ user_id: "u", query: 5 }, "query"],
    [{ user_id: "u", query: "я".repeat(32_769) }, "query"],
    [{ user_id: "u", messages: [] }, "messages"],
  ])("400 for %j", async (body, field) => {
    const answer = await api("POST", "/api/context", { body });
    expectError(answer, 400);
    expect(names(answer.body, field)).toBe(true);
  });
});

describe("GET /api/stats", () => {
  test("what is kept, what waits, what was spent", async () => {
    const answer = await api("GET", "/api/stats");
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      memories: expect.any(Number),
      users: expect.any(Number),
      messages_waiting: expect.any(Number),
      backlog: expect.any(Array),
      spend: { limit_dollars_per_day: null, today: { calls: expect.any(Number), dollars: expect.any(Number) } },
    });
  });
});
