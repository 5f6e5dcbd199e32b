import { MemoryError } from "@engram/memory";
import { translateSqlError, type Executor, type Row } from "@engram/sql";
import pg from "pg";

export interface PoolOptions {
  readonly connectionString: string;
  readonly size: number;
  readonly statementTimeoutMs: number;
  /** Faults of idle connections: to be logged, not thrown. */
  readonly onError: (error: unknown) => void;
}

/** Waiting for a free connection longer than this is the database being away, not busy. */
const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 30_000;

/** bigint and numeric as numbers: versions and counts stay below 2^53. */
const AS_NUMBER = new Set<number>([pg.types.builtins.INT8, pg.types.builtins.NUMERIC]);
const types: pg.CustomTypesConfig = {
  getTypeParser: (id, format) => (AS_NUMBER.has(id) ? Number : pg.types.getTypeParser(id, format)),
};

/**
 * A pool of connections. Statements are unnamed and leave nothing in the session, so a pooler in transaction mode may
 * stand between.
 */
export function createPool(options: PoolOptions): Executor {
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    max: options.size,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    query_timeout: options.statementTimeoutMs,
    keepAlive: true,
    application_name: "engram",
    types,
  });
  pool.on("error", options.onError);

  return {
    query: (text, values) => run(pool, text, values),
    script: (text) => run(pool, text).then(() => undefined),
    async transaction(work) {
      const client = await pool.connect().catch((error: unknown) => {
        throw translateSqlError(error);
      });
      let broken: boolean | Error = false;
      // The pool listens to idle connections, a statement to its own; between two statements of ours nobody would, and an
      // error that nobody hears ends the process.
      const onError = (error: Error): void => {
        broken = error;
        options.onError(error);
      };
      client.on("error", onError);
      try {
        await run(client, "BEGIN");
        const result = await work(clientExecutor(client));
        await run(client, "COMMIT");
        return result;
      } catch (error) {
        await run(client, "ROLLBACK").catch(() => {
          broken = true;
        });
        throw error;
      } finally {
        client.off("error", onError);
        client.release(broken);
      }
    },
    close: () => pool.end(),
  };
}

function clientExecutor(client: pg.PoolClient): Executor {
  return {
    query: (text, values) => run(client, text, values),
    script: (text) => run(client, text).then(() => undefined),
    transaction: () =>
      Promise.reject(new MemoryError("internal", "Internal error", { cause: new Error("transactions do not nest") })),
    close: () => Promise.resolve(),
  };
}

async function run<R extends Row>(
  on: pg.Pool | pg.PoolClient,
  text: string,
  values?: readonly unknown[],
): Promise<readonly R[]> {
  try {
    const result = values === undefined ? await on.query<R>(text) : await on.query<R>(text, [...values]);
    return result.rows;
  } catch (error) {
    throw translateSqlError(error);
  }
}
