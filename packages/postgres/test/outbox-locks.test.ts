import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Claimed, Outbox } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { createTestDatabase } from "@engram/test-equipment";
import { createMemoryStore, createOutbox, createPool, migrate } from "../src/index.ts";
import { draft } from "./draft.ts";

/*
 * A worker never waits for a writer (PROTOCOL.md, I5): a bulk load or a forgotten transaction in psql that has touched a
 * memory must not hold up the rest of a batch, nor a graceful stop. PGlite has one session, so nobody waits there.
 */

const serverUrl = process.env["ENGRAM_TEST_DATABASE_URL"];
const whenThere = serverUrl === undefined ? describe.skip : describe;

const topic = "index:main";
const [mine, other] = ["00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"] as const;
const failure = { error: "unavailable: away", retryInSeconds: 0, doubt: false, park: false };

whenThere("a writer's open transaction", () => {
  let db: Executor;
  let drop: () => Promise<void>;
  let outbox: Outbox;
  beforeAll(async () => {
    const database = await createTestDatabase(serverUrl ?? "");
    const url = new URL(database.url);
    url.searchParams.set("options", "-c lock_timeout=1000"); // who waits after all is told so, and fails
    db = createPool({ connectionString: url.href, size: 4, statementTimeoutMs: 30_000, onError: () => undefined });
    drop = () => database.drop();
    await migrate(db);
    outbox = createOutbox(db);
  }, 60_000);
  afterAll(async () => {
    await db.close();
    await drop();
  });
  beforeEach(() => db.script("DELETE FROM memories; DELETE FROM engram.outbox"));

  const claim = (token: string): Promise<readonly Claimed[]> =>
    outbox.claim({ topic, limit: 64, token, leaseSeconds: 60, horizonSeconds: 300 });
  /** Two claimed memories; the first is being changed by a transaction that stays open while `answer` runs. */
  const whileWriting = async <T>(answer: (claimed: readonly Claimed[]) => Promise<T>): Promise<T> => {
    await createMemoryStore(db).putMemories([draft({ content: "раз" }), draft({ content: "два" })]);
    const claimed = await claim(mine);
    return db.transaction(async (tx) => {
      await tx.query("UPDATE memories SET content = 'три' WHERE content = 'раз'");
      return answer(claimed);
    });
  };

  test("holds up no acknowledgement", async () => {
    const answered = whileWriting((claimed) => outbox.acknowledge(topic, mine, claimed));
    await expect(answered).resolves.toEqual({ gone: 1, kept: 0 });
  });

  test("holds up no failure", async () => {
    const answered = whileWriting((claimed) =>
      outbox.fail(
        topic,
        mine,
        claimed.map((one) => ({ ...one, ...failure })),
        300,
      ),
    );
    await expect(answered).resolves.toBe(1);
  });

  test("holds up no graceful stop", async () => {
    const answered = whileWriting((claimed) => outbox.release(topic, mine, claimed));
    await expect(answered).resolves.toBe(1);
  });

  test("holds up no claim", async () => {
    const answered = whileWriting(async (claimed) => {
      await outbox.release(topic, mine, claimed);
      return claim(other);
    });
    await expect(answered).resolves.toHaveLength(1);
  });
});
