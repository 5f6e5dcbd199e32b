import { beforeEach, expect, test } from "@jest/globals";
import { DEFAULT_PROJECT_ID, type Users } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { createMemoryStore, createUsers } from "../src/index.ts";
import { describeOnDatabases } from "./databases.ts";
import { draft } from "./draft.ts";

const projectId = DEFAULT_PROJECT_ID;
const other = "00000000-0000-7000-8000-000000000002";
const actor = { requestId: "req-1", name: "tester" };
const person = { projectId, userId: "u" };

describeOnDatabases("users", (db) => {
  const store = createMemoryStore(db);
  const users = createUsers(db);
  beforeEach(() => db.script("TRUNCATE public.memories; DELETE FROM engram.history; DELETE FROM engram.outbox"));

  const put = (...drafts: Parameters<typeof draft>[0][]) => store.putMemories(drafts.map((one) => draft(one)));
  const all = async <T>(pages: AsyncIterable<readonly T[]>): Promise<readonly T[]> => {
    const found: T[] = [];
    for await (const page of pages) {
      expect(page.length).toBeLessThanOrEqual(500);
      found.push(...page);
    }
    return found;
  };

  test("everybody of whom something is kept, with what is shown and what is not", async () => {
    await put(
      { userId: "б", content: "раз" },
      { userId: "а", content: "раз" },
      { userId: "а", content: "два" },
      { userId: "а", content: "три", expiresAt: new Date(Date.now() - 1000) },
      { userId: null, level: "agent", agentId: "a" },
      { userId: "чужой", projectId: other },
    );
    await db.script("UPDATE memories SET created_at = '2030-01-01T00:00:00Z' WHERE user_id = 'а' AND content = 'два'");
    const page = await users.list({ projectId, limit: 10 });
    expect(page).toMatchObject({ total: 2, nextCursor: null });
    expect(page.users).toEqual([
      { userId: "а", memories: 2, hidden: 1, lastMemoryAt: new Date("2030-01-01T00:00:00Z") },
      { userId: "б", memories: 1, hidden: 0, lastMemoryAt: expect.any(Date) },
    ]);
  });

  test("nobody is an empty list", async () => {
    expect(await users.list({ projectId, limit: 10 })).toEqual({ users: [], total: 0, nextCursor: null });
  });

  test("pages walk through everybody once", async () => {
    await db.script(
      "INSERT INTO memories (user_id, content) SELECT 'user ' || n, 'факт' FROM generate_series(1, 25) n",
    );
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<Users["list"]>> = await users.list({
        projectId,
        limit: 10,
        ...(cursor === null ? {} : { cursor }),
      });
      expect(page.total).toBe(25);
      seen.push(...page.users.map((user) => user.userId));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => `user ${n + 1}`).toSorted());
  });

  test("a foreign cursor is invalid", async () => {
    const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    for (const cursor of [
      "x",
      encoded([1]),
      encoded([1, "users", 5]),
      encoded([1, "users", "a\0b"]),
      encoded([1, "-created_at", "a", "b"]),
    ])
      await expect(users.list({ projectId, limit: 1, cursor })).rejects.toMatchObject({ code: "invalid" });
  });

  test("an export has every memory once, newest first, also where a thousand share one instant", async () => {
    await db.script(`INSERT INTO memories (user_id, content) SELECT 'u', 'факт ' || n FROM generate_series(1, 1203) n;
      INSERT INTO memories (user_id, content, created_at) SELECT 'u', 'старое ' || n, now() - n * interval '1 us' - interval '1 day' FROM generate_series(1, 300) n;
      INSERT INTO memories (user_id, content) VALUES ('v', 'чужое')`);
    const memories = await all(users.exportMemories(person));
    expect(new Set(memories.map((one) => one.content)).size).toBe(1503);
    expect(memories).toHaveLength(1503);
    const times = memories.map((one) => one.createdAt.getTime());
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    expect(memories.slice(-300).map((one) => one.content)).toEqual(
      Array.from({ length: 300 }, (_, n) => `старое ${n + 1}`),
    );
  });

  test("retired and expired memories are exported with everything that is known of them", async () => {
    await put({ content: "тёмная", key: "theme", sessionId: "s1", agentId: "a1", importance: 0.8, requestId: "r1" });
    await put({ content: "светлая", key: "theme" });
    await put({ content: "истекло", expiresAt: new Date(Date.now() - 1000) });
    const memories = await all(users.exportMemories(person));
    expect(memories.map((one) => one.content).toSorted()).toEqual(["истекло", "светлая", "тёмная"]);
    expect(memories.find((one) => one.content === "тёмная")).toMatchObject({
      sessionIds: ["s1"],
      agentIds: ["a1"],
      importance: 0.8,
      validTo: expect.any(Date),
      supersededBy: expect.any(String),
      lastSeenAt: expect.any(Date),
      sourceMessageIds: [],
      provenance: {},
      indexStatus: "pending",
    });
  });

  test("earlier versions are exported with their content, deleted memories' lines without", async () => {
    const [kept, gone] = await put({ content: "раз" }, { content: "прочь" }, { content: "чужое", userId: "v" });
    const id = kept?.memory.id ?? "";
    for (let n = 0; n < 1003; n++)
      await store.updateMemory(projectId, id, { content: `раз ${n}`, mergeMetadata: false }, actor);
    await store.deleteMemory(projectId, gone?.memory.id ?? "", actor);
    await db.script("DELETE FROM memories WHERE user_id = 'v'");
    const versions = await all(users.exportHistory(person));
    expect(versions).toHaveLength(1004);
    expect(versions.filter((one) => one.memoryId === id)[0]).toMatchObject({
      endedBy: "updated",
      actor: "tester",
      requestId: "req-1",
      memory: { content: "раз", createdAt: expect.any(Date) },
    });
    expect(versions.filter((one) => one.memoryId !== id)).toMatchObject([{ endedBy: "deleted", memory: null }]);
  }, 60_000);

  test("a page is read when it is asked for, and not before", async () => {
    await db.script("INSERT INTO memories (user_id, content) SELECT 'u', 'факт ' || n FROM generate_series(1, 1203) n");
    let queries = 0;
    const counting: Executor = {
      ...db,
      query(text, values) {
        queries += 1;
        return db.query(text, values);
      },
    };
    for await (const page of createUsers(counting).exportMemories(person)) {
      expect(page).toHaveLength(500);
      break;
    }
    expect(queries).toBe(1);
  });
});
