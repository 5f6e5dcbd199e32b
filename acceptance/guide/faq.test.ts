// Guide, chapter 10 "Часто задаваемые вопросы", 16 to 20.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { contents, create, indexed, list, search, unique, type Memory } from "../memories.ts";

const email = "Пользователь предпочитает получать уведомления по email";

describe("FAQ", () => {
  test("16 and 17: store a memory and find it", async () => {
    const userId = unique("user123");
    await indexed(await create({ user_id: userId, content: email, type: "preference" }));
    const found = await search({
      user_id: userId,
      query: "Какие предпочтения по уведомлениям у пользователя?",
      relevance_threshold: 0.7,
      limit: 5,
    });
    expect(contents(found)).toEqual([email]);
  });

  test("18: delete a memory", async () => {
    const { id } = await create({ user_id: unique("user123"), content: email, type: "preference" });
    const answer = await api("DELETE", `/api/memories/${id}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ success: true });
  });

  test("19: update the content alone; everything else stays", async () => {
    const metadata = { source: "user_settings" };
    const stored = await create({ user_id: unique("user123"), content: email, type: "preference", metadata });
    const content = "Пользователь предпочитает получать уведомления по email и SMS";
    const answer = await api<Memory>("PUT", `/api/memories/${stored.id}`, { body: { content } });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id: stored.id, content, type: "preference", metadata });
  });

  test("20: users do not see each other's memories", async () => {
    const [anna, boris] = [unique("anna"), unique("boris")];
    await create({ user_id: anna, content: email, type: "preference" });
    await create({
      user_id: boris,
      content: "Пользователь предпочитает получать уведомления в Telegram",
      type: "preference",
    });
    const query = "Какие предпочтения по уведомлениям у пользователя?";
    expect(contents(await search({ user_id: anna, query, limit: 100 }))).toEqual([email]);
    expect(contents(await search({ user_id: anna, limit: 100 }))).toEqual([email]);
    expect(contents(await list(anna))).toEqual([email]);
    // The same words of another user are another memory.
    expect((await create({ user_id: boris, content: email, type: "preference" })).user_id).toBe(boris);
  });
});
