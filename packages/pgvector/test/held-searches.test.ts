import { DIMS, heldSearchesContract } from "@engram/memory/contracts/held-searches";
import { openPGlite } from "@engram/pglite";
import { createMemoryStore, createPool, createSearchableRows, migrate } from "@engram/postgres";
import type { Executor } from "@engram/sql";
import { createTestDatabase } from "@engram/test-equipment";
import { createPgvectorIndex } from "../src/index.ts";

heldSearchesContract("PGlite", async () => over(await openPGlite()));

const serverUrl = process.env["ENGRAM_TEST_DATABASE_URL"];
if (serverUrl !== undefined)
  heldSearchesContract("PostgreSQL", async () => {
    const { url, drop } = await createTestDatabase(serverUrl);
    const db = createPool({ connectionString: url, size: 4, statementTimeoutMs: 30_000, onError: () => undefined });
    return over(db, drop);
  });

async function over(db: Executor, drop?: () => Promise<void>) {
  await migrate(db);
  return {
    store: createMemoryStore(db),
    index: createPgvectorIndex(db),
    rows: createSearchableRows(db),
    collection: { name: `held__model__${DIMS}`, model: "model", dims: DIMS },
    sql: (text: string) => db.script(text),
    async close() {
      await db.close();
      await drop?.();
    },
  };
}
