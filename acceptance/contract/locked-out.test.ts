import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { target } from "../target.ts";

// Only there are roles that the world may take on.
(target.kind === "supabase" ? describe : describe.skip)("Supabase's roles `anon` and `authenticated`", () => {
  const client = new pg.Client({ connectionString: target.databaseUrl });
  beforeAll(() => client.connect());
  afterAll(() => client.end());

  test("row-level security is on for every table of ours", async () => {
    const { rows } = await client.query(
      `SELECT c.oid::regclass::text AS table FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind = 'r' AND (n.nspname = 'engram' OR c.relname IN ('memories', 'mem0_memories')) AND NOT c.relrowsecurity`,
    );
    expect(rows).toEqual([]);
  });

  test.each(["anon", "authenticated"])("%s may do nothing with any of them", async (role) => {
    const { rows } = await client.query(
      `SELECT c.oid::regclass::text AS table FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'v') AND (n.nspname = 'engram' OR c.relname IN ('memories', 'mem0_memories'))
         AND has_table_privilege($1, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')`,
      [role],
    );
    expect(rows).toEqual([]);
    await client.query("BEGIN");
    await client.query(`SET LOCAL ROLE ${role}`);
    await expect(client.query("SELECT FROM public.mem0_memories")).rejects.toThrow(/permission denied/);
    await client.query("ROLLBACK");
    await client.query("BEGIN");
    await client.query(`SET LOCAL ROLE ${role}`);
    await expect(client.query("SELECT FROM public.memories")).rejects.toThrow(/permission denied/);
    await client.query("ROLLBACK");
  });
});
