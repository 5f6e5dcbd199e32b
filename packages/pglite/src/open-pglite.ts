import { existsSync } from "node:fs";
import { join } from "node:path";
import { PGlite, types, type Transaction } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { MemoryError } from "@engram/memory";
import { translateSqlError, type Executor, type Row } from "@engram/sql";
import { lockFolder } from "./lock-file.ts";
import { startVacuum } from "./vacuum.ts";

/** bigint and numeric as numbers, like the pool does. */
const PARSERS = { [types.INT8]: Number, [types.NUMERIC]: Number };

/**
 * PostgreSQL's own 128 MB of shared buffers make up most of an embedded process; a store of this size is read through
 * the system's page cache as fast. Idle after a restart: 196 MB resident instead of 331 MB.
 */
const SHARED_BUFFERS = "shared_buffers = 16MB";
/** ANALYZE looks at 300 rows for each, and the process stands still meanwhile: 10,000 memories take 15 ms and not 150. */
const STATISTICS = "default_statistics_target = 10";

export interface PGliteOptions {
  /** Absent: in memory. */
  readonly folder?: string;
  /** Faults of what the database does by itself: to be logged, not thrown. */
  readonly onError?: (error: unknown) => void;
}

/**
 * PostgreSQL in this process, in `folder` (or in memory, for tests). One session: calls queue, each blocks the event
 * loop while it runs, and `statement_timeout` is not enforced. WAL is written but not fsynced: a killed process loses
 * nothing, a power cut may lose the last seconds. Vacuums itself; `onError` is told when it cannot.
 */
export async function openPGlite({ folder, onError = () => undefined }: PGliteOptions = {}): Promise<Executor> {
  if (folder === undefined) return executorOf(await create(), { onError, onClose: () => Promise.resolve() });
  const lock = await lockFolder(folder);
  try {
    const dataDir = join(folder, "pglite");
    if (!existsSync(dataDir)) await (await create(dataDir)).close(); // else what initdb took stays for the process's life
    return executorOf(await create(dataDir), { onError, onClose: () => lock.unlock() });
  } catch (error) {
    await lock.unlock();
    throw error;
  }
}

async function create(dataDir?: string): Promise<PGlite> {
  const db = await PGlite.create({
    extensions: { vector },
    postgresqlconf: [SHARED_BUFFERS, STATISTICS],
    ...(dataDir === undefined ? {} : { dataDir }),
  });
  await db.exec("CREATE EXTENSION IF NOT EXISTS vector");
  return db;
}

function executorOf(
  db: PGlite,
  { onError, onClose }: { onError: (error: unknown) => void; onClose: () => Promise<void> },
): Executor {
  const vacuum = startVacuum(db, { onError });
  return {
    query: (text, values) => run(db, text, values),
    script: (text) => translated(db.exec(text)).then(() => undefined),
    // PGlite holds other callers back from BEGIN to COMMIT.
    transaction: (work) => translated(db.transaction((tx) => work(transactionExecutor(tx)))),
    async close() {
      await vacuum.stop();
      await db.close();
      await onClose();
    },
  };
}

function transactionExecutor(tx: Transaction): Executor {
  return {
    query: (text, values) => run(tx, text, values),
    script: (text) => translated(tx.exec(text)).then(() => undefined),
    transaction: () =>
      Promise.reject(new MemoryError("internal", "Internal error", { cause: new Error("transactions do not nest") })),
    close: () => Promise.resolve(),
  };
}

async function run<R extends Row>(
  on: PGlite | Transaction,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly R[]> {
  const result = await translated(on.query<R>(text, [...values], { parsers: PARSERS }));
  return result.rows;
}

async function translated<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw translateSqlError(error);
  }
}
