import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Executor } from "@engram/sql";
import { createTestDatabase, type TestDatabase } from "@engram/test-equipment";
import { createPool, migrate } from "../src/index.ts";

const serverUrl = process.env["ENGRAM_TEST_DATABASE_URL"];

(serverUrl === undefined ? describe.skip : describe)("a role that may write public.memories and no more", () => {
  const role = `engram_least_${randomBytes(4).toString("hex")}`;
  let database: TestDatabase;
  let [owner, least]: Executor[] = [];
  const connect = (user?: string): Executor => {
    const url = new URL(database.url);
    if (user !== undefined) url.username = user;
    return createPool({ connectionString: url.href, size: 1, statementTimeoutMs: 10_000, onError: () => undefined });
  };
  beforeAll(async () => {
    database = await createTestDatabase(serverUrl ?? "");
    owner = connect();
    await migrate(owner);
    // BYPASSRLS: where other tests have made Supabase's roles, the tables are shut by row-level security.
    await owner.script(`CREATE ROLE ${role} LOGIN BYPASSRLS; GRANT SELECT, INSERT, UPDATE, DELETE ON public.memories TO ${role};
      GRANT USAGE ON SEQUENCE engram.memory_version TO ${role}`);
    least = connect(role);
  });
  afterAll(async () => {
    await least?.close();
    await owner?.script(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    await owner?.close();
    await database.drop();
  });

  test("inserts, changes and deletes: the words, the keys, the outbox and the history follow", async () => {
    await least?.query(
      "INSERT INTO public.memories (user_id, content) VALUES ('u', 'Анна: живёт в Перми, INV-2024-1')",
    );
    await least?.query("UPDATE public.memories SET content = 'Анна: живёт в Москве'");
    expect(
      await owner?.query("SELECT search @@ 'москв' AS found, dedupe_key IS NOT NULL AS keyed FROM memories"),
    ).toEqual([{ found: true, keyed: true }]);
    await least?.query("DELETE FROM public.memories");
    expect(await owner?.query("SELECT event FROM engram.history ORDER BY version")).toEqual([
      { event: "updated" },
      { event: "deleted" },
    ]);
    expect(await owner?.query("SELECT 1 AS one FROM engram.outbox WHERE topic LIKE 'index:%'")).toHaveLength(1);
  });
});
