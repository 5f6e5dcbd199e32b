import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { loadConfig } from "@engram/config";
import { openTruth } from "@engram/sockets";
import type { Executor } from "@engram/sql";
import { createLogger } from "@engram/telemetry";
import { createTestDatabase, type TestDatabase } from "@engram/test-equipment";
import { engram } from "./cli.ts";

const serverUrl = process.env["ENGRAM_TEST_DATABASE_URL"];

(serverUrl === undefined ? describe.skip : describe)("engram migrate", () => {
  let database: TestDatabase;
  let db: Executor;
  let env: Record<string, string>;
  beforeAll(async () => {
    database = await createTestDatabase(serverUrl ?? "");
    env = {
      DATABASE_URL: database.url,
      OPENAI_API_KEY: "sk-of-a-test",
      MEM0_FORMER_EMBEDDING_MODEL: "text-embedding-3-small",
    };
    db = await openTruth(loadConfig(env, { cwd: "/nonexistent" }), createLogger({ level: "silent", name: "test" }));
    await db.script(`CREATE EXTENSION vector;
      CREATE TABLE mem0_memories (id UUID PRIMARY KEY, vector vector(3), payload JSONB);
      INSERT INTO mem0_memories VALUES (gen_random_uuid(), '[1,0,0]', '{"data": "Пьёт чай", "user_id": "u"}'),
        (gen_random_uuid(), '[1,0,0]', '{"data": "Живёт в Перми", "user_id": "u"}'), (gen_random_uuid(), '[1,0,0]', '{"user_id": "u"}')`);
  });
  afterAll(async () => {
    await db.close();
    await database.drop();
  });

  test("brings the schema up, takes over the rows of a former mem0 and names what it cannot take; again: only that", async () => {
    const first = await engram(["migrate"], env);
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout).toContain("Ran 0040-vectors-table.sql");
    expect(first.stdout).toContain(
      "2 rows of a former mem0 in public.mem0_memories are 2 memories now, 2 with the vectors they had\n" +
        "Rows of a former mem0 that cannot be memories stay in public.mem0_memories: 1 without text\n",
    );
    expect(first.stdout).not.toContain("Пьёт");
    expect(await db.query("SELECT content FROM memories ORDER BY content")).toEqual([
      { content: "Живёт в Перми" },
      { content: "Пьёт чай" },
    ]);
    expect(await engram(["migrate"], env)).toEqual({
      code: 0,
      stderr: "",
      stdout:
        "The schema is up to date\nRows of a former mem0 that cannot be memories stay in public.mem0_memories: 1 without text\n",
    });
  }, 60_000);

  test("beside a Qdrant nothing of that table is touched", async () => {
    await db.script('UPDATE mem0_memories SET payload = payload || \'{"data": "Любит горы"}\'');
    const { stdout } = await engram(["migrate"], { ...env, QDRANT_URL: "http://127.0.0.1:1" });
    expect(stdout).toBe("The schema is up to date\n");
    expect(await db.query("SELECT 1 FROM mem0_memories")).toHaveLength(1);
  }, 60_000);
});
