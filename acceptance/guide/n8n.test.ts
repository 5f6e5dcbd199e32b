// Guide, chapter 5 "Интеграция с n8n": the requests that its HTTP Request nodes send.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { contents, create, get, indexed, list, search, unique, type Found, type Memory } from "../memories.ts";

/** The guide's first Function node; `key` is what CONTRACT.md adds so that a changed mind replaces the old one. */
function preferenceNode(item: { userId: string | number; theme: string }, key?: string): Record<string, unknown> {
  return {
    user_id: item.userId,
    content: `Пользователь предпочитает тему: ${item.theme}`,
    type: "preference",
    metadata: { source: "user_settings", timestamp: new Date().toISOString() },
    ...(key === undefined ? {} : { key }),
  };
}

/** The guide's second Function node. */
function searchNode(item: { userId: string; message: string }): Record<string, unknown> {
  return {
    user_id: item.userId,
    query: item.message,
    relevance_threshold: 0.7,
    limit: 5,
    types: ["preference", "fact"],
  };
}

/** The guide's prompt node, as far as the memories go into it. */
function promptNode(memories: Memory[]): string {
  let memoryContext = "";
  if (memories && memories.length > 0) {
    memoryContext = "Информация о пользователе:\n";
    memories.forEach((mem) => {
      memoryContext += `- ${mem.content}\n`;
    });
  }
  return memoryContext;
}

describe("workflow: save a user's preferences", () => {
  test("201 for the node's body", async () => {
    const userId = unique("n8n-user");
    const memory = await create(preferenceNode({ userId, theme: "тёмная" }));
    expect(memory).toMatchObject({
      user_id: userId,
      type: "preference",
      content: "Пользователь предпочитает тему: тёмная",
    });
    expect(Date.parse(memory.occurred_at)).toBe(Date.parse(String(memory.metadata["timestamp"])));
  });

  test("the same form sent twice stays one memory", async () => {
    const userId = unique("n8n-user");
    const first = await create(preferenceNode({ userId, theme: "тёмная" }));
    const again = await api<Memory>("POST", "/api/memories", { body: preferenceNode({ userId, theme: "тёмная" }) });
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({ id: first.id, duplicate: true, seen_count: 2 });
  });

  test("with a key the newer theme replaces the older", async () => {
    const userId = unique("n8n-user");
    await create(preferenceNode({ userId, theme: "тёмная" }, "theme"));
    await create(preferenceNode({ userId, theme: "светлая" }, "theme"));
    expect(contents(await list(userId))).toEqual(["Пользователь предпочитает тему: светлая"]);
    expect(contents(await search({ user_id: userId, query: "Какую тему предпочитает пользователь?" }))).toEqual([
      "Пользователь предпочитает тему: светлая",
    ]);
  });

  test("a numeric id, as a chat trigger gives it, is the same user as its digits", async () => {
    const userId = Number(`7${Date.now()}`);
    await create(preferenceNode({ userId, theme: "тёмная" }));
    expect(await list(String(userId))).toMatchObject({ total: 1, memories: [{ user_id: String(userId) }] });
  });
});

describe("workflow: find relevant memories", () => {
  test("the memories go into the prompt", async () => {
    const userId = unique("n8n-user");
    const stored = await create({
      user_id: userId,
      content: "Пользователь предпочитает получать уведомления по email",
      type: "preference",
    });
    await indexed(stored);
    const answer = await api<Found>("POST", "/api/memories/search", {
      body: searchNode({ userId, message: "Какие предпочтения по уведомлениям у пользователя?" }),
    });
    expect(answer.status).toBe(200);
    expect(promptNode(answer.body.memories)).toBe(
      "Информация о пользователе:\n- Пользователь предпочитает получать уведомления по email\n",
    );
  });

  test("nothing known gives an empty list, so that the prompt is made without it", async () => {
    const found = await search(searchNode({ userId: unique("n8n-user"), message: "Привет!" }));
    expect(found).toMatchObject({ memories: [], total: 0 });
    expect(promptNode(found.memories)).toBe("");
  });
});

describe("workflow: save what is worth remembering of a conversation", () => {
  test.each([
    { should_remember: true, content: "Пользователя зовут Анна, она живёт в Казани", type: "fact" },
    { should_remember: true, content: "Пользователь предпочитает созвоны после обеда", type: "preference" },
    { should_remember: true, content: "Пользователь просил напомнить об отчёте", type: "interaction" },
    { should_remember: false, content: "", type: "fact" },
  ])("should_remember=$should_remember, type $type", async (extracted) => {
    const userId = unique("n8n-user");
    if (extracted.should_remember) {
      const { id } = await create({ user_id: userId, content: extracted.content, type: extracted.type });
      expect(await get(id)).toMatchObject({ content: extracted.content, type: extracted.type });
    }
    expect((await list(userId)).total).toBe(extracted.should_remember ? 1 : 0);
  });

  test("the model's whole answer may be passed on: should_remember is ignored and named", async () => {
    const memory = await create({
      user_id: unique("n8n-user"),
      should_remember: true,
      content: "Любит чай",
      type: "fact",
    });
    expect(JSON.stringify(memory.warnings)).toContain("should_remember");
  });
});
