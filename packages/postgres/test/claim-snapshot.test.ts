import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { contentHash, DEFAULT_PROJECT_ID, workBatch } from "@engram/memory";
import { OPTIONS, TARGET } from "@engram/memory/contracts/crash/world";
import { createFakeEmbedder } from "@engram/memory/contracts/fakes/embedder";
import { FakeVectorIndex } from "@engram/memory/contracts/fakes/vector-index";
import type { Executor } from "@engram/sql";
import { createTestDatabase } from "@engram/test-equipment";
import { createMemoryStore, createOutbox, createPool, migrate } from "../src/index.ts";
import { draft } from "./draft.ts";

/*
 * A claim locks work rows as they are, but whatever else it reads is of the moment when it began. What a writer commits in
 * between has the new generation and, in a join, the old row (PROTOCOL.md, I4). PGlite has one session: there is no between.
 */

const serverUrl = process.env["ENGRAM_TEST_DATABASE_URL"];
const whenThere = serverUrl === undefined ? describe.skip : describe;

const LOCK = 1;
/** The claim's own clock, which the test can stop. Volatile, because any other is asked before the claim's snapshot is taken. */
const STOPPABLE_CLOCK = `CREATE SCHEMA stoppable;
  CREATE FUNCTION stoppable.statement_timestamp() RETURNS timestamptz LANGUAGE plpgsql VOLATILE AS $$
  BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock_shared(${LOCK});
    RETURN pg_catalog.statement_timestamp();
  END $$`;
const actor = { requestId: null, name: null };

whenThere("a write that is committed between a claim's snapshot and its lock", () => {
  let db: Executor;
  let stoppable: Executor;
  let drop: () => Promise<void>;
  const index = new FakeVectorIndex();
  beforeAll(async () => {
    const database = await createTestDatabase(serverUrl ?? "");
    drop = () => database.drop();
    const url = new URL(database.url);
    const options = { size: 4, statementTimeoutMs: 30_000, onError: () => undefined };
    db = createPool({ ...options, connectionString: url.href });
    await migrate(db);
    await db.script(STOPPABLE_CLOCK);
    url.searchParams.set("options", "-c search_path=stoppable,pg_catalog,public");
    stoppable = createPool({ ...options, connectionString: url.href });
  }, 60_000);
  afterAll(async () => {
    await stoppable.close();
    await db.close();
    await drop();
  });
  beforeEach(async () => {
    await db.script("DELETE FROM memories; DELETE FROM engram.outbox");
    index.clear();
    await index.prepare(TARGET.collection);
  });

  /** One memory is told, and a worker's claim of it stands still after it has begun, until `write` is committed. */
  const workWhile = async (write: (id: string) => Promise<unknown>): Promise<string> => {
    const store = createMemoryStore(db);
    const [told] = await store.putMemories([draft({ content: "раз" })]);
    const id = told?.memory.id ?? "";
    const deps = { store, index, embedder: createFakeEmbedder(), outbox: createOutbox(stoppable) };
    let worked: Promise<unknown> = Promise.resolve();
    await db.transaction(async (tx) => {
      await tx.query("SELECT pg_advisory_xact_lock($1::bigint)", [LOCK]);
      worked = workBatch(deps, TARGET, OPTIONS, new AbortController().signal);
      await Promise.race([untilClaimWaits(db), worked.then(() => Promise.reject(new Error("the claim did not wait")))]);
      await write(id);
    });
    await worked;
    return id;
  };
  const workLeft = () => db.query("SELECT key FROM engram.outbox");

  test("a changed memory is indexed as it is", async () => {
    const id = await workWhile((one) =>
      createMemoryStore(db).updateMemory(DEFAULT_PROJECT_ID, one, { content: "два", mergeMetadata: false }, actor),
    );
    expect(index.points(TARGET.collection).get(id)?.hash).toBe(contentHash("два"));
    expect(await workLeft()).toEqual([]);
  });

  test("a deleted memory is not brought back", async () => {
    await workWhile((one) => createMemoryStore(db).deleteMemory(DEFAULT_PROJECT_ID, one, actor));
    expect([...index.points(TARGET.collection).keys()]).toEqual([]);
    expect(await workLeft()).toEqual([]);
  });
});

/** Gives up in the end, so that nothing goes on after a test that has failed. */
async function untilClaimWaits(db: Executor): Promise<void> {
  for (const end = Date.now() + 20_000; Date.now() < end;) {
    const waiting = await db.query(
      `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = ${LOCK} AND NOT granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    if (waiting.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("no claim waits");
}
