import { describe, expect, test } from "@jest/globals";
import { createTestDatabase } from "@engram/test-equipment";
import pg from "pg";
import { createPool } from "../src/index.ts";

const server = process.env["ENGRAM_TEST_DATABASE_URL"];
const whenThere = server === undefined ? describe.skip : describe;

whenThere("the pool", () => {
  test("a connection that dies between two statements of a transaction fails the transaction, not the process", async () => {
    const database = await createTestDatabase(server ?? "");
    const errors: unknown[] = [];
    const db = createPool({
      connectionString: database.url,
      size: 2,
      statementTimeoutMs: 5_000,
      onError: (error) => errors.push(error),
    });
    const outcome = db.transaction(async (tx) => {
      const [backend] = await tx.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
      const admin = new pg.Client({ connectionString: server });
      await admin.connect();
      await admin.query("SELECT pg_terminate_backend($1)", [backend?.pid]);
      await admin.end();
      const deadline = Date.now() + 10_000;
      while (errors.length === 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
      return tx.query("SELECT 1");
    });
    await expect(outcome).rejects.toMatchObject({ code: "unavailable" });
    // And the pool goes on with another one.
    expect(await db.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await db.close();
    await database.drop();
  });

  test("a statement is given up at its time, a change of the schema is not", async () => {
    const database = await createTestDatabase(server ?? "");
    const db = createPool({
      connectionString: database.url,
      size: 2,
      statementTimeoutMs: 200,
      onError: () => undefined,
    });
    await expect(db.query("SELECT pg_sleep(1)")).rejects.toMatchObject({ code: "unavailable" });
    await db.script("CREATE TABLE slow AS SELECT 1 AS one FROM pg_sleep(0.6); SELECT pg_sleep(0.1)");
    await db.transaction((tx) => tx.script("ALTER TABLE slow ADD COLUMN two int; SELECT pg_sleep(0.6)"));
    expect(await db.query("SELECT one, two FROM slow")).toEqual([{ one: 1, two: null }]);
    await db.close();
    await database.drop();
  });
});
