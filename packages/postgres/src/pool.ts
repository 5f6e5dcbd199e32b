import { MemoryError } from "@engram/memory";
import { translateSqlError, type Executor, type Row } from "@engram/sql";
import pg from "pg";
import { Availability } from "./availability.ts";
import { reachOf, type Reach } from "./tls.ts";

export interface PoolOptions {
  readonly connectionString: string;
  /** What the address is called where it was set, for messages about it. */
  readonly variable?: string;
  readonly size: number;
  /** Of a statement; scripts are not limited. */
  readonly statementTimeoutMs: number;
  /** Faults of idle connections: to be logged, not thrown. */
  readonly onError: (error: unknown) => void;
  /** The database has gone away: until `onBack` every statement fails at once. Each is told once. */
  readonly onAway?: (cause: MemoryError) => void;
  readonly onBack?: () => void;
}

/** Waiting for a free connection longer than this is the database being away, not busy. */
const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 30_000;
/**
 * A script changes the schema, and takes as long as the tables are large; given up here, it would go on in the database and
 * hold its locks, while the next attempt waits for it. The longest that a timer knows.
 */
const SCRIPT_TIMEOUT_MS = 2 ** 31 - 1;
/** Of the one question whether the database is there; longer is not there. */
const PROBE_TIMEOUT_MS = 2_000;

/** bigint and numeric as numbers: versions and counts stay below 2^53. */
const AS_NUMBER = new Set<number>([pg.types.builtins.INT8, pg.types.builtins.NUMERIC]);
const types: pg.CustomTypesConfig = {
  getTypeParser: (id, format) => (AS_NUMBER.has(id) ? Number : pg.types.getTypeParser(id, format)),
};

/**
 * A pool of connections. Statements are unnamed and leave nothing in the session, so a pooler in transaction mode may
 * stand between. Throws `invalid` when the address names a certificate that cannot be read.
 */
export function createPool(options: PoolOptions): Executor {
  const clients = new Set<pg.PoolClient>();
  const reach = reachOf(options.connectionString, options.variable);
  let pool = openPool();

  function openPool(): pg.Pool {
    const opened = new pg.Pool({
      ...reach,
      max: options.size,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      query_timeout: options.statementTimeoutMs,
      keepAlive: true,
      application_name: "engram",
      types,
    });
    opened.on("error", (error) => {
      options.onError(error);
      availability.suspect();
    });
    opened.on("connect", (client) => clients.add(client));
    opened.on("remove", (client) => clients.delete(client));
    return opened;
  }

  /** Connections into a black hole would be waited for long after the database is back: a new pool begins without them. */
  function abandonPool(): void {
    const old = pool;
    pool = openPool();
    for (const client of clients) (client as unknown as pg.Client).end().catch(() => undefined);
    clients.clear();
    old.end().catch(() => undefined);
  }

  const availability = new Availability({
    probe: () => probe(reach),
    onAway(cause) {
      abandonPool();
      options.onAway?.(cause);
    },
    onBack: () => options.onBack?.(),
  });

  return {
    query: (text, values) => availability.guard(() => run(pool, text, values)),
    script: (text) => availability.guard(() => runScript(pool, text)),
    transaction: (work) => availability.guard(() => runTransaction(pool, work, options.onError)),
    close() {
      availability.close();
      return pool.end();
    },
  };
}

async function runTransaction<T>(
  pool: pg.Pool,
  work: (tx: Executor) => Promise<T>,
  tell: (error: unknown) => void,
): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw translateSqlError(error);
  });
  let broken: boolean | Error = false;
  // The pool listens to idle connections, a statement to its own; between two statements of ours nobody would, and an
  // error that nobody hears ends the process.
  const onError = (error: Error): void => {
    broken = error;
    tell(error);
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
}

/** Asks over a connection of its own. An error that the database itself tells is an answer, unless it is going or coming. */
async function probe(reach: Reach): Promise<void> {
  const client = new pg.Client({
    ...reach,
    connectionTimeoutMillis: PROBE_TIMEOUT_MS,
    query_timeout: PROBE_TIMEOUT_MS,
    application_name: "engram",
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("SELECT 1");
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code?.startsWith("57P") === true) throw error;
  } finally {
    client.end().catch(() => undefined);
  }
}

function clientExecutor(client: pg.PoolClient): Executor {
  return {
    query: (text, values) => run(client, text, values),
    script: (text) => runScript(client, text),
    transaction: () =>
      Promise.reject(new MemoryError("internal", "Internal error", { cause: new Error("transactions do not nest") })),
    close: () => Promise.resolve(),
  };
}

async function runScript(on: pg.Pool | pg.PoolClient, text: string): Promise<void> {
  const config: pg.QueryConfig & { query_timeout: number } = { text, query_timeout: SCRIPT_TIMEOUT_MS };
  await run(on, config);
}

async function run<R extends Row>(
  on: pg.Pool | pg.PoolClient,
  statement: string | pg.QueryConfig,
  values?: readonly unknown[],
): Promise<readonly R[]> {
  try {
    const result = await on.query<R>(statement, values === undefined ? undefined : [...values]);
    return result.rows;
  } catch (error) {
    throw translateSqlError(error);
  }
}
