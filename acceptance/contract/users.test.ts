// CONTRACT.md 3: GET /api/users, everybody of whom something is kept.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { expectError, names } from "../errors.ts";
import { create, queryString, unique } from "../memories.ts";
import { erase } from "../people.ts";

interface User {
  user_id: string;
  memories: number;
  hidden: number;
  last_memory_at: string;
}

interface Users {
  users: User[];
  total: number;
  limit: number;
  next_cursor: string | null;
}

async function page(query: Record<string, string | number> = {}): Promise<Users> {
  const answer = await api<Users>("GET", `/api/users${queryString(query)}`);
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
  return answer.body;
}

/** Every page; the suite shares its server, so there are others. */
async function everybody(limit: number): Promise<User[]> {
  const users: User[] = [];
  let cursor: string | null = null;
  do {
    const found: Users = await page({ limit, ...(cursor === null ? {} : { cursor }) });
    expect(found.users.length).toBeLessThanOrEqual(limit);
    users.push(...found.users);
    cursor = found.next_cursor;
  } while (cursor !== null);
  return users;
}

describe("GET /api/users", () => {
  test("counts what is shown and what is kept beside it, and knows the newest", async () => {
    const userId = unique("users");
    await create({ user_id: userId, content: "Тёмная тема", key: "theme" });
    const light = await create({ user_id: userId, content: "Светлая тема", key: "theme" });
    const user = (await everybody(1000)).find((one) => one.user_id === userId);
    expect(user).toEqual({ user_id: userId, memories: 1, hidden: 1, last_memory_at: light.created_at });
  });

  test("pages of any size walk through everybody once, and the total is theirs", async () => {
    for (let n = 0; n < 5; n++) await create({ user_id: unique(`users-${n}`), content: "Есть" });
    const [all, paged] = [await everybody(1000), await everybody(3)];
    expect(paged.map((user) => user.user_id)).toEqual(all.map((user) => user.user_id));
    expect(new Set(all.map((user) => user.user_id)).size).toBe(all.length);
    expect((await page()).total).toBe(all.length);
    expect(await page()).toMatchObject({ limit: 10 });
  });

  test("whoever is erased is not among them, nor one whose memories were all deleted", async () => {
    const [erasedUser, deletedUser] = [unique("users"), unique("users")];
    for (const user_id of [erasedUser, deletedUser]) await create({ user_id, content: "Есть" });
    const before = await everybody(1000);
    expect(before.map((user) => user.user_id)).toEqual(expect.arrayContaining([erasedUser, deletedUser]));
    await erase(erasedUser);
    await api("DELETE", `/api/memories/user/${deletedUser}`);
    const after = await everybody(1000);
    expect(after.map((user) => user.user_id)).not.toContain(erasedUser);
    expect(after.map((user) => user.user_id)).not.toContain(deletedUser);
  });

  test.each([
    ["limit=0", "limit"],
    ["limit=1001", "limit"],
    ["limit=many", "limit"],
    ["cursor=nonsense", "cursor"],
    [`cursor=${Buffer.from('[1,"-created_at","2026","x"]').toString("base64url")}`, "cursor"],
  ])("400 for ?%s, naming the field", async (query, field) => {
    const answer = await api("GET", `/api/users?${query}`);
    expectError(answer, 400);
    expect(names(answer.body, field)).toBe(true);
  });

  test("an unknown parameter is named in warnings", async () => {
    expect(await page({ sort: "name" })).toMatchObject({ warnings: [expect.stringContaining("sort")] });
  });

  test("405 with Allow for another method", async () => {
    const answer = await api("DELETE", "/api/users");
    expectError(answer, 405);
    expect(answer.headers.get("allow")).toBe("GET, HEAD");
  });
});
