import { createPool, migrate } from "@engram/postgres";
import type { Executor } from "@engram/sql";
import { createTestDatabase } from "@engram/test-equipment";

export const serverUrl = process.env["ENGRAM_TEST_DATABASE_URL"];

export interface Server {
  readonly db: Executor;
  /** Another pool on the same database. */
  connect(user?: string): Executor;
  close(): Promise<void>;
}

/** A database of its own on the real PostgreSQL. */
export async function openServer({ migrated = true } = {}): Promise<Server> {
  const database = await createTestDatabase(serverUrl ?? "");
  const pools: Executor[] = [];
  const connect = (user?: string): Executor => {
    const url = new URL(database.url);
    if (user !== undefined) url.username = user;
    const pool = createPool({
      connectionString: url.href,
      size: 4,
      statementTimeoutMs: 30_000,
      onError: () => undefined,
    });
    pools.push(pool);
    return pool;
  };
  const db = connect();
  if (migrated) await migrate(db);
  return {
    db,
    connect,
    async close() {
      await Promise.all(pools.map((pool) => pool.close()));
      await database.drop();
    },
  };
}
