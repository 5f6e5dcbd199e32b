import { openPGlite } from "@engram/pglite";
import type { Executor } from "@engram/sql";
import { createTestDatabase } from "@engram/test-equipment";
import { createPool, migrate } from "../src/index.ts";

/** A migrated database for one test file, on each of the two executors that all SQL must suit. */
export const DATABASES: readonly (readonly [name: string, open: () => Promise<OpenDatabase>])[] = [
  ["PGlite", openEmbedded],
  ...(process.env["ENGRAM_TEST_DATABASE_URL"] === undefined ? [] : [["PostgreSQL", openServer] as const]),
];

export interface OpenDatabase {
  readonly db: Executor;
  close(): Promise<void>;
}

async function openEmbedded(): Promise<OpenDatabase> {
  const db = await openPGlite();
  await migrate(db);
  return { db, close: () => db.close() };
}

async function openServer(): Promise<OpenDatabase> {
  const { url, drop } = await createTestDatabase(process.env["ENGRAM_TEST_DATABASE_URL"] ?? "");
  const db = createPool({ connectionString: url, size: 10, statementTimeoutMs: 30_000, onError: () => undefined });
  await migrate(db);
  return {
    db,
    async close() {
      await db.close();
      await drop();
    },
  };
}
