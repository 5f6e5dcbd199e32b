// Guide S0, step 3: the table `mem0_memories`, which its reader looks at, and deletes from, in Supabase's SQL editor.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { api } from "../client.ts";
import { contents, create, indexed, list, search, unique } from "../memories.ts";
import { target } from "../target.ts";

// Only there are vectors in a database that a client can reach.
(target.kind === "supabase" ? describe : describe.skip)("the table mem0_memories", () => {
  const client = new pg.Client({ connectionString: target.databaseUrl });
  beforeAll(() => client.connect());
  afterAll(() => client.end());

  test("shows who has told what, with a vector; a row deleted there is a deleted memory", async () => {
    const userId = unique("test-user");
    const memories = [
      await create({ user_id: userId, content: "Меня зовут Антон, я программист" }),
      await create({ user_id: userId, content: "Люблю горные походы" }),
    ];
    await indexed(...memories);
    const { rows } = await client.query(
      "SELECT memory, embedding IS NOT NULL AS embedded, metadata FROM mem0_memories WHERE user_id = $1 ORDER BY memory",
      [userId],
    );
    expect(rows).toEqual([
      { memory: "Люблю горные походы", embedded: true, metadata: {} },
      { memory: "Меня зовут Антон, я программист", embedded: true, metadata: {} },
    ]);

    await client.query("DELETE FROM mem0_memories WHERE user_id = $1 AND memory LIKE '%Антон%'", [userId]);
    expect((await api("GET", `/api/memories/${memories[0]?.id}`)).status).toBe(404);
    expect(contents(await list(userId))).toEqual(["Люблю горные походы"]);
    expect(contents(await search({ user_id: userId, query: "Как меня зовут?" }))).not.toContain(
      "Меня зовут Антон, я программист",
    );
  });

  test("has the guide's columns and its index", async () => {
    const { rows } = await client.query<{ name: string; type: string }>(
      `SELECT column_name AS name, udt_name AS type FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'mem0_memories'`,
    );
    expect(Object.fromEntries(rows.map(({ name, type }) => [name, type]))).toMatchObject({
      id: "uuid",
      user_id: "text",
      memory: "text",
      hash: "text",
      embedding: "vector",
      metadata: "jsonb",
      created_at: "timestamptz",
      updated_at: "timestamptz",
    });
    const { rows: indexes } = await client.query("SELECT 1 FROM pg_indexes WHERE indexname = 'idx_mem0_embedding'");
    expect(indexes).toHaveLength(1);
  });
});
