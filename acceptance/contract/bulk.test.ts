// CONTRACT.md 3: POST /api/memories/bulk.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { at, contents, create, get, idPattern, indexed, list, search, unique } from "../memories.ts";

interface BulkAnswer {
  results: { index: number; id?: string; error?: string; message?: string }[];
  created: number;
  duplicates: number;
  failed: number;
}
const bulk = (memories: unknown[]) => api<BulkAnswer>("POST", "/api/memories/bulk", { body: { memories } });

describe("POST /api/memories/bulk", () => {
  test("200 with a result for each item, in order; one bad item spoils no other", async () => {
    const userId = unique("bulk");
    const known = await create({ user_id: userId, content: "Уже известно" });
    const answer = await bulk([
      { user_id: userId, content: "Любит чай" },
      { user_id: userId },
      { user_id: userId, content: "Уже известно" },
      { content: "Чьё это?" },
      { user_id: userId, content: "x".repeat(65_537) },
      { user_id: userId, content: "\u0000" },
      "text",
      null,
      { user_id: userId, content: "Любит кофе", type: "preference", metadata: { a: 1 } },
    ]);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ created: 2, duplicates: 1, failed: 6 });
    expect(answer.body.results.map((result) => result.index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(answer.body.results[1]).toMatchObject({
      error: expect.any(String),
      message: "Missing required field: content",
    });
    expect(answer.body.results[3]).toMatchObject({
      error: expect.any(String),
      message: "Missing required field: user_id",
    });
    for (const index of [1, 3, 4, 5, 6, 7]) {
      expect(answer.body.results[index]).toMatchObject({ error: expect.any(String), message: expect.any(String) });
      expect(answer.body.results[index]).not.toHaveProperty("id");
    }
    for (const index of [0, 8]) expect(at(answer.body.results, index).id).toMatch(idPattern);
    expect(at(answer.body.results, 2).id).toBe(known.id);
    expect(contents(await list(userId)).sort()).toEqual(["Любит кофе", "Любит чай", "Уже известно"]);
    expect(await get(at(answer.body.results, 8).id ?? "")).toMatchObject({ type: "preference", metadata: { a: 1 } });
  });

  test("the same state twice in one call is one memory", async () => {
    const userId = unique("bulk");
    const item = { user_id: userId, content: "Любит чай" };
    const answer = await bulk([
      item,
      { ...item, metadata: { a: 1 } },
      { ...item, type: "interaction" },
      { ...item, type: "interaction" },
    ]);
    expect(answer.body).toMatchObject({ created: 3, duplicates: 1, failed: 0 });
    expect(at(answer.body.results, 0).id).toBe(at(answer.body.results, 1).id);
    expect(at(answer.body.results, 2).id).not.toBe(at(answer.body.results, 3).id);
    expect((await list(userId)).total).toBe(3);
  });

  test("the last of several values of one slot wins", async () => {
    const userId = unique("bulk");
    const theme = (colour: string) => ({ user_id: userId, content: `Тема: ${colour}`, key: "theme" });
    const answer = await bulk([theme("тёмная"), theme("светлая"), theme("синяя")]);
    expect(answer.body).toMatchObject({ failed: 0 });
    expect(contents(await list(userId))).toEqual(["Тема: синяя"]);
  });

  test("what came in bulk is indexed and found", async () => {
    const userId = unique("bulk");
    const answer = await bulk([
      { user_id: userId, content: "Пользователь играет на скрипке" },
      { user_id: userId, content: "Пользователь живёт в Казани" },
    ]);
    for (const { id } of answer.body.results) await indexed(await get(id ?? ""));
    expect(contents(await search({ user_id: userId, query: "На чём играет пользователь? скрипка" }))[0]).toBe(
      "Пользователь играет на скрипке",
    );
  });

  test("1,000 items are taken, in more than one body's usual size", async () => {
    const userId = unique("bulk");
    const padding = "x".repeat(2_000);
    const items = Array.from({ length: 1000 }, (_, number) => ({
      user_id: userId,
      content: `Запись номер ${number}`,
      metadata: { padding },
    }));
    const answer = await bulk(items);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ created: 1000, duplicates: 0, failed: 0 });
    expect((await list(userId, { limit: 1 })).total).toBe(1000);
    expect(await api("DELETE", `/api/memories/user/${userId}`)).toMatchObject({ status: 200, body: { deleted: 1000 } });
  });

  test("1,001 items are refused as a whole", async () => {
    const userId = unique("bulk");
    const answer = await bulk(
      Array.from({ length: 1001 }, (_, number) => ({ user_id: userId, content: `Запись номер ${number}` })),
    );
    expect([400, 413]).toContain(answer.status);
    expect((await list(userId)).total).toBe(0);
  });

  test("413 past 16 MiB", async () => {
    const raw = JSON.stringify({ memories: [], filler: "x".repeat(17 * 1024 * 1024) });
    const answer = await api("POST", "/api/memories/bulk", { raw, headers: { "content-type": "application/json" } });
    expect(answer.status).toBe(413);
  });

  test("400 without memories, or when they are no list", async () => {
    expect(await api("POST", "/api/memories/bulk", { body: {} })).toMatchObject({
      status: 400,
      body: { error: "Bad Request", message: "Missing required field: memories" },
    });
    for (const memories of [{}, "text", 5]) {
      expect((await api("POST", "/api/memories/bulk", { body: { memories } })).status).toBe(400);
    }
  });
});
