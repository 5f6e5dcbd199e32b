// CONTRACT.md 3: DELETE /api/memories/user/:user_id with the filters of the listing.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { contents, create, list, queryString, search, unique } from "../memories.ts";
import { instantBetween } from "../until.ts";

const deleteAll = (userId: string, query: Record<string, string> = {}) =>
  api<{ success: boolean; deleted: number }>("DELETE", `/api/memories/user/${userId}${queryString(query)}`);

async function fill(): Promise<{ userId: string; middle: string }> {
  const userId = unique("delete");
  await create({ user_id: userId, content: "один", type: "fact", session_id: "s1" });
  await create({ user_id: userId, content: "два", type: "preference", agent_id: "a1", key: "slot" });
  const middle = await instantBetween();
  await create({ user_id: userId, content: "три", type: "preference", session_id: "s1", agent_id: "a1" });
  await create({ user_id: userId, content: "четыре", type: "interaction", level: "session", session_id: "s2" });
  return { userId, middle };
}

describe("DELETE /api/memories/user/:user_id", () => {
  test("without filters everything of the user goes, and nothing of others", async () => {
    const { userId } = await fill();
    const other = await fill();
    const answer = await deleteAll(userId);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ success: true, deleted: 4 });
    expect(await list(userId)).toMatchObject({ memories: [], total: 0 });
    expect(await search({ user_id: userId, scope: "exact" })).toMatchObject({ memories: [], total: 0 });
    expect((await list(other.userId)).total).toBe(4);
    expect((await deleteAll(userId)).body).toEqual({ success: true, deleted: 0 });
  });

  test.each<[query: Record<string, string>, left: string[]]>([
    [{ type: "preference" }, ["четыре", "один"]],
    [{ level: "session" }, ["три", "два", "один"]],
    [{ session_id: "s1" }, ["четыре", "два"]],
    [{ agent_id: "a1" }, ["четыре", "один"]],
    [{ key: "slot" }, ["четыре", "три", "один"]],
    [{ type: "preference", session_id: "s1" }, ["четыре", "два", "один"]],
    [{ type: "no-such-type" }, ["четыре", "три", "два", "один"]],
  ])("%p", async (query, left) => {
    const { userId } = await fill();
    expect(await deleteAll(userId, query)).toMatchObject({
      status: 200,
      body: { success: true, deleted: 4 - left.length },
    });
    expect(contents(await list(userId))).toEqual(left);
  });

  test("created_before and created_after", async () => {
    const { userId, middle } = await fill();
    expect((await deleteAll(userId, { created_before: middle })).body.deleted).toBe(2);
    expect(contents(await list(userId))).toEqual(["четыре", "три"]);
    expect((await deleteAll(userId, { created_after: middle })).body.deleted).toBe(2);
  });

  test("a misspelt filter does not delete everything", async () => {
    const { userId } = await fill();
    const answer = await deleteAll(userId, { typ: "preference" });
    if (answer.status === 200) expect(answer.body).toHaveProperty("warnings");
    else expect(answer.status).toBe(400);
  });
});
