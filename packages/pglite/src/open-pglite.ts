import { join } from "node:path";
import { PGlite, types, type Transaction } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { MemoryError } from "@engram/memory";
import { translateSqlError, type Executor, type Row } from "@engram/sql";
import { lockFolder } from "./lock-file.ts";

/** bigint and numeric as numbers, like the pool does. */
const PARSERS = { [types.INT8]: Number, [types.NUMERIC]: Number };

/**
 * PostgreSQL in this process, in `folder` (or in memory, for tests). One session: calls queue, each blocks the event
 * loop while it runs, and `statement_timeout` is not enforced. WAL is written but not fsynced: a killed process loses
 * nothing, a power cut may lose the last seconds.
 */
export async function openPGlite(
  options: { folder?: string; onProgress?: (message: string) => void } = {},
): Promise<Executor> {
  const lock = options.folder === undefined ? undefined : await lockFolder(options.folder);
  try {
    const db = await PGlite.create({
      ...(options.folder === undefined ? {} : { dataDir: join(options.folder, "pglite") }),
      extensions: { vector },
    });
    await db.exec("CREATE EXTENSION IF NOT EXISTS vector");
    return executorOf(db, () => lock?.unlock() ?? Promise.resolve());
  } catch (error) {
    await lock?.unlock();
    throw error;
  }
}

function executorOf(db: PGlite, onClose: () => Promise<void>): Executor {
  return {
    query: (text, values) => run(db, text, values),
    script: (text) => translated(db.exec(text)).then(() => undefined),
    // PGlite holds other callers back from BEGIN to COMMIT.
    transaction: (work) => translated(db.transaction((tx) => work(transactionExecutor(tx)))),
    async close() {
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
