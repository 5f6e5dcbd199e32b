// Guide, chapter 8 "Очистка данных": the loop over old memories, and the one call that replaces it.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { contents, create, list, unique } from "../memories.ts";

/** The guide's shell loop: list what is older than a moment, delete each by its id. */
async function cleanUp(userId: string, createdBefore: string): Promise<string[]> {
  const deleted: string[] = [];
  const old = await list(userId, { created_before: createdBefore });
  for (const { id } of old.memories) {
    expect((await api("DELETE", `/api/memories/${id}`)).status).toBe(200);
    deleted.push(id);
  }
  return deleted;
}

const future = () => new Date(Date.now() + 3_600_000).toISOString();

describe("the clean-up loop", () => {
  test("a moment in the past finds nothing and deletes nothing", async () => {
    const userId = unique("user123");
    await create({ user_id: userId, content: "Последний вход в систему: 18 мая 2025", type: "metadata" });
    expect(await list(userId, { created_before: "2024-11-18T00:00:00Z" })).toMatchObject({ memories: [], total: 0 });
    expect(await cleanUp(userId, "2024-11-18T00:00:00Z")).toEqual([]);
    expect((await list(userId)).total).toBe(1);
  });

  test("a moment in the future finds and deletes everything, ten at a time", async () => {
    const userId = unique("user123");
    const other = unique("user123");
    for (let day = 1; day <= 12; day++) {
      await create({ user_id: userId, content: `Последний вход в систему: ${day} мая 2025`, type: "metadata" });
    }
    await create({ user_id: other, content: "Последний вход в систему: 1 мая 2025", type: "metadata" });
    expect(await cleanUp(userId, future())).toHaveLength(10);
    expect(await cleanUp(userId, future())).toHaveLength(2);
    expect(await cleanUp(userId, future())).toEqual([]);
    expect((await list(other)).total).toBe(1);
  });
});

describe("DELETE /api/memories/user/:user_id", () => {
  test("does the loop in one call", async () => {
    const userId = unique("user123");
    const login = (day: number) => `Последний вход в систему: ${day} мая 2025`;
    for (let day = 1; day <= 12; day++) await create({ user_id: userId, content: login(day), type: "metadata" });
    await create({ user_id: userId, content: "Пользователь предпочитает чай", type: "preference" });

    const past = await api("DELETE", `/api/memories/user/${userId}?created_before=2024-11-18T00:00:00Z`);
    expect(past).toMatchObject({ status: 200, body: { success: true, deleted: 0 } });

    const query = `type=metadata&created_before=${encodeURIComponent(future())}`;
    const answer = await api("DELETE", `/api/memories/user/${userId}?${query}`);
    expect(answer).toMatchObject({ status: 200, body: { success: true, deleted: 12 } });
    expect(contents(await list(userId))).toEqual(["Пользователь предпочитает чай"]);
  });
});
