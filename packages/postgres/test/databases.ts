import { afterAll, beforeAll, describe } from "@jest/globals";
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

/**
 * The same tests on each of them. `db` may be handed on at once, and serves from the first hook or test on: the database is
 * opened before them and closed after them.
 */
export function describeOnDatabases(title: string, tests: (db: Executor, name: string) => void): void {
  describe.each(DATABASES)(`${title} on %s`, (name, open) => {
    let opened: OpenDatabase | undefined;
    const db = (): Executor => {
      if (opened === undefined) throw new Error("the database is not open yet");
      return opened.db;
    };
    beforeAll(async () => {
      opened = await open();
    }, 60_000);
    afterAll(() => opened?.close());
    tests(
      {
        query: (...args) => db().query(...args),
        script: (text) => db().script(text),
        transaction: (work) => db().transaction(work),
        close: () => Promise.reject(new Error("the database is closed after the last test")),
      },
      name,
    );
  });
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
