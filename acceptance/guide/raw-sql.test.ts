// Guide, chapter 8 "Очистка данных" and FAQ 25 and 30: raw SQL is a client, and everything follows it.
// Only where a PostgreSQL client can reach the database; the embedded one lives inside the service's process.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { api } from "../client.ts";
import { at, contents, create, indexed, list, search, unique, type Memory } from "../memories.ts";
import { target } from "../target.ts";
import { until } from "../until.ts";

const { databaseUrl, qdrantUrl, collection } = target;
if (databaseUrl === undefined) {
  process.stderr.write(`Skipped: raw SQL (no client can reach the database of the target "${target.kind}")\n`);
}

/** How long the index may take to follow, in ms. */
const followMs = 10_000;

(databaseUrl === undefined ? describe.skip : describe)("raw SQL", () => {
  const client = new pg.Client({ connectionString: databaseUrl });
  beforeAll(() => client.connect());
  afterAll(() => client.end());

  /** The rows' own ids, which are the ids of their points. */
  async function rowIds(userId: string): Promise<string[]> {
    const { rows } = await client.query<{ id: string }>("SELECT id FROM memories WHERE user_id = $1", [userId]);
    return rows.map((row) => row.id);
  }

  /** How many of the points exist in Qdrant, asked behind the alias. */
  async function pointsAmong(pointIds: string[]): Promise<number> {
    if (qdrantUrl === undefined) return 0;
    const response = await fetch(`${qdrantUrl.replace(/\/$/, "")}/collections/${collection}/points`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ids: pointIds, with_payload: false, with_vector: false }),
    });
    expect(response.status).toBe(200);
    return ((await response.json()) as { result: unknown[] }).result.length;
  }

  /** Two indexed memories of a new user, and their points. */
  async function twoMemories(): Promise<{ userId: string; memories: Memory[]; points: string[] }> {
    const userId = unique("user123");
    const memories = [
      await create({
        user_id: userId,
        content: "Пользователь предпочитает получать уведомления по email",
        type: "preference",
      }),
      await create({ user_id: userId, content: "Пользователь не хочет получать push-уведомления", type: "preference" }),
    ];
    await indexed(...memories);
    const points = await rowIds(userId);
    expect(points).toHaveLength(2);
    if (qdrantUrl !== undefined) expect(await pointsAmong(points)).toBe(2);
    return { userId, memories, points };
  }

  async function expectGone(userId: string, gone: Memory[], points: string[], left: string[] = []): Promise<void> {
    for (const { id } of gone) expect((await api("GET", `/api/memories/${id}`)).status).toBe(404);
    for (const { id } of gone) expect((await api("GET", `/api/memories/${id}/history`)).status).toBe(404);
    expect(await list(userId)).toMatchObject({ total: left.length });
    expect(contents(await list(userId)).sort()).toEqual([...left].sort());
    const query = "Какие предпочтения по уведомлениям у пользователя?";
    expect(contents(await search({ user_id: userId, query, limit: 100 })).sort()).toEqual([...left].sort());
    await until("the points to vanish", async () => (await pointsAmong(points)) === 0, { timeoutMs: followMs });
  }

  test("DELETE … WHERE user_id: rows, answers and points are gone", async () => {
    const { userId, memories, points } = await twoMemories();
    const bystander = await twoMemories();
    await api("PATCH", `/api/memories/${at(memories, 0).id}`, { body: { content: "Только по email" } });
    await client.query(`DELETE FROM memories WHERE user_id = '${userId}';`);
    await expectGone(userId, memories, points);
    const kept = await client.query(
      "SELECT 1 FROM engram.history WHERE memory_id = ANY($1::uuid[]) AND snapshot IS NOT NULL",
      [points],
    );
    expect(kept.rowCount).toBe(0);
    const users = await api<{ users: { user_id: string }[] }>("GET", "/api/users?limit=1000");
    expect(users.body.users.map((user) => user.user_id)).not.toContain(userId);
    expect(users.body.users.map((user) => user.user_id)).toContain(bystander.userId);
    expect(await list(bystander.userId)).toMatchObject({ total: 2 });
    if (qdrantUrl !== undefined) expect(await pointsAmong(bystander.points)).toBe(2);
  });

  test("DELETE … WHERE created_at < …: the old memory is gone, the young one stays", async () => {
    const { userId, memories } = await twoMemories();
    const [old, young] = [at(memories, 0), at(memories, 1)];
    await client.query(
      "UPDATE memories SET created_at = now() - INTERVAL '7 months' WHERE user_id = $1 AND content = $2",
      [userId, old.content],
    );
    const aged = await client.query<{ id: string }>("SELECT id FROM memories WHERE user_id = $1 AND content = $2", [
      userId,
      old.content,
    ]);
    await client.query("DELETE FROM memories WHERE created_at < NOW() - INTERVAL '6 months';");
    await expectGone(
      userId,
      [old],
      aged.rows.map((row) => row.id),
      [young.content],
    );
  });

  test("UPDATE: history and search follow the new content", async () => {
    const { userId, memories } = await twoMemories();
    const changed = at(memories, 0);
    await client.query("UPDATE memories SET content = $3 WHERE user_id = $1 AND content = $2", [
      userId,
      changed.content,
      "Пользователь разводит тропических рыбок",
    ]);
    await indexed(changed);
    const found = await search({ user_id: userId, query: "Кого разводит пользователь? Рыбок?" });
    expect(found.memories[0]).toMatchObject({ id: changed.id, content: "Пользователь разводит тропических рыбок" });
    const history = await api("GET", `/api/memories/${changed.id}/history`);
    expect(history.text).toContain("тропических рыбок");
    expect(history.text).toContain("уведомления по email");
  });

  test("INSERT: a memory made by hand is listed, found and indexed", async () => {
    const userId = unique("user123");
    await client.query("INSERT INTO memories (user_id, type, content) VALUES ($1, 'fact', $2)", [
      userId,
      "Пользователь живёт в Новосибирске",
    ]);
    const page = await list(userId);
    expect(page.memories).toMatchObject([{ type: "fact", content: "Пользователь живёт в Новосибирске", metadata: {} }]);
    await indexed(at(page.memories, 0));
    expect(contents(await search({ user_id: userId, query: "Где живёт пользователь?" }))).toEqual([
      "Пользователь живёт в Новосибирске",
    ]);
  });

  test("the guide's indexes exist", async () => {
    const { rows } = await client.query<{ indexname: string }>(
      "SELECT indexname FROM pg_indexes WHERE tablename = 'memories'",
    );
    const names = rows.map((row) => row.indexname);
    expect(names).toEqual(
      expect.arrayContaining(["idx_memories_user_id", "idx_memories_type", "idx_memories_created_at"]),
    );
  });

  test("the guide's own CREATE INDEX IF NOT EXISTS, SELECT COUNT and VACUUM run", async () => {
    await client.query(`
      CREATE INDEX IF NOT EXISTS idx_memories_user_id ON memories(user_id);
      CREATE INDEX IF NOT EXISTS idx_memories_type ON memories(type);
      CREATE INDEX IF NOT EXISTS idx_memories_created_at ON memories(created_at);
    `);
    const { rows } = await client.query<{ count: string }>("SELECT COUNT(*) FROM memories;");
    expect(Number(at(rows, 0).count)).toBeGreaterThan(0);
    await client.query("VACUUM FULL ANALYZE;");
  });

  // Last in this file: it empties the table (the database belongs to this run alone).
  test("TRUNCATE: rows, answers and points are gone", async () => {
    const { userId, memories, points } = await twoMemories();
    await client.query("TRUNCATE memories;");
    await expectGone(userId, memories, points);
  });
});
