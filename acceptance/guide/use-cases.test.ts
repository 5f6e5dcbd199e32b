// Guide, chapter 7 "Примеры использования": the calls of its five use cases.
import { describe, expect, test } from "@jest/globals";
import { contents, create, indexed, list, search, unique, type Memory } from "../memories.ts";

async function fetchMemoriesForUser(userId: string): Promise<Memory[]> {
  return (await list(userId, { limit: 1000 })).memories;
}

describe("chat bot", () => {
  test("keeps the style and answers a question on another subject without it", async () => {
    const userId = unique("user123");
    const style = await create({
      user_id: userId,
      content: "Пользователь предпочитает получать технические детали в ответах",
      type: "preference",
    });
    await indexed(style);
    // The guide hopes for the style here; a search by relevance cannot give it: that is the profile's part (CONTRACT.md 3).
    const found = await search({ user_id: userId, query: "Как настроить Docker?", relevance_threshold: 0.7, limit: 5 });
    expect(found).toMatchObject({ memories: [], total: 0 });
    expect(contents(await search({ user_id: userId, types: ["preference"] }))).toEqual([style.content]);
  });
});

describe("recommendations", () => {
  test("the listing has what the guide's filters need", async () => {
    const userId = unique("user123");
    await create({
      user_id: userId,
      content: "Пользователь интересуется темами: искусственный интеллект, программирование, наука о данных",
      type: "preference",
    });
    await create({
      user_id: userId,
      content: "Пользователь просмотрел статью 'Введение в нейронные сети'",
      type: "interaction",
      metadata: { item_id: "article_12345", category: "artificial_intelligence" },
    });
    const userMemories = await fetchMemoriesForUser(userId);
    const preferences = userMemories.filter((m) => m.type === "preference");
    const interactions = userMemories.filter((m) => m.type === "interaction");
    expect(preferences).toHaveLength(1);
    expect(interactions.map((i) => i.metadata["item_id"])).toEqual(["article_12345"]);
  });
});

describe("course", () => {
  test("level and progress come back as they were given", async () => {
    const userId = unique("student123");
    const level = "Пользователь имеет средний уровень знаний в программировании на Python";
    const metadata = { module_id: "python_functional", completion_date: "2025-05-15T14:30:00Z", score: 85 };
    await create({ user_id: userId, content: level, type: "fact" });
    await create({
      user_id: userId,
      content: "Пользователь успешно завершил модуль 'Основы функционального программирования'",
      type: "interaction",
      metadata,
    });
    const studentMemories = await fetchMemoriesForUser(userId);
    expect(studentMemories.filter((m) => m.type === "fact").map((m) => m.content)).toEqual([level]);
    expect(studentMemories.filter((m) => m.type === "interaction").map((m) => m.metadata)).toEqual([metadata]);
  });
});

describe("assistant of a team", () => {
  test("the project's stack and decisions come back", async () => {
    const userId = unique("team_project_x");
    const stack = "Проект X использует стек технологий: React, Node.js, PostgreSQL";
    const decision = "Команда решила использовать Redux для управления состоянием приложения";
    const metadata = { meeting_date: "2025-05-10T10:00:00Z", participants: ["user1", "user2", "user3"] };
    const stored = [
      await create({ user_id: userId, content: stack, type: "fact" }),
      await create({ user_id: userId, content: decision, type: "interaction", metadata }),
    ];
    expect(await fetchMemoriesForUser(userId)).toMatchObject([{ content: decision, metadata }, { content: stack }]);
    await indexed(...stored);
    const found = await search({
      user_id: userId,
      query: "Что команда решила использовать для управления состоянием?",
    });
    expect(contents(found)[0]).toBe(decision);
  });
});

describe("smart home", () => {
  test("preferences and patterns come back, also by type", async () => {
    const userId = unique("home_user1");
    const warm = "Пользователь предпочитает температуру 22°C в гостиной вечером";
    const light = "Пользователь обычно включает свет в спальне в 22:30";
    const metadata = { device: "bedroom_light", action: "turn_on", time: "22:30", frequency: "daily" };
    await create({ user_id: userId, content: warm, type: "preference" });
    await create({ user_id: userId, content: light, type: "pattern", metadata });
    expect(await fetchMemoriesForUser(userId)).toMatchObject([{ content: light, metadata }, { content: warm }]);
    expect((await list(userId, { type: "pattern" })).memories).toMatchObject([
      { content: light, type: "pattern", metadata },
    ]);
    expect(contents(await search({ user_id: userId, types: ["pattern"] }))).toEqual([light]);
  });
});
