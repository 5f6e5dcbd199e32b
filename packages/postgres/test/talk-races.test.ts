import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { EXTRACT_TOPIC, type Conversations } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { createTestDatabase } from "@engram/test-equipment";
import { createConversations, createExtractions, createOutbox, createPool, migrate } from "../src/index.ts";
import { addOf, said } from "./add-call.ts";

/* What a reader of talk and a writer do at the same moment. PGlite has one session, where one of them is always first. */

const serverUrl = process.env["ENGRAM_TEST_DATABASE_URL"];
const whenThere = serverUrl === undefined ? describe.skip : describe;
const token = "00000000-0000-4000-8000-00000000000a";
const limits = { messagesMax: 40, bytesMax: 16_384, beforeMax: 4 };

whenThere("talk that comes while its owner's is answered for", () => {
  let db: Executor;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    const database = await createTestDatabase(serverUrl ?? "");
    db = createPool({ connectionString: database.url, size: 4, statementTimeoutMs: 30_000, onError: () => undefined });
    drop = () => database.drop();
    await migrate(db);
  }, 60_000);
  afterAll(async () => {
    await db.close();
    await drop();
  });
  beforeEach(() => db.script("DELETE FROM engram.messages; DELETE FROM engram.events; DELETE FROM engram.outbox"));

  const add = (conversations: Conversations, content: string) =>
    conversations.add(addOf(said(content), { sessionId: null }));
  /** Until the reader's answer waits for the writer's commit. */
  const someoneWaits = async (): Promise<void> => {
    for (;;) {
      const waiting = await db.query(
        "SELECT 1 AS one FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      );
      if (waiting.length > 0) return;
    }
  };

  test("holds up nobody else, however much of it waits", async () => {
    const conversations = createConversations(db, { debounceMs: 0 });
    const addOfUser = (userId: string, content: string) => conversations.add(addOf(said(content), { userId }));
    await addOfUser("slow", "Первое утверждение о кошке");
    let waiting: Promise<unknown> | undefined;
    await db.transaction(async (tx) => {
      await tx.query("SELECT 1 AS one FROM engram.outbox FOR UPDATE");
      const first = addOfUser("slow", "Второе утверждение о собаке");
      await someoneWaits();
      waiting = Promise.all([first, addOfUser("slow", "Третье утверждение о рыбке")]);
      for (const user of ["one", "other"]) expect((await addOfUser(user, "Я тоже тут")).status).toBe("queued");
    });
    await waiting;
    expect(await db.query("SELECT count(*)::int AS n FROM engram.messages")).toEqual([{ n: 5 }]);
  });

  test.each(["settle", "done"] as const)("keeps its work row: %s", async (how) => {
    const extractions = createExtractions(db);
    await add(createConversations(db, { debounceMs: 0 }), "Первое утверждение о кошке");
    const claimOptions = { topic: EXTRACT_TOPIC, limit: 1, token, leaseSeconds: 60, horizonSeconds: 300 };
    const [claimed] = await createOutbox(db).claim(claimOptions);
    const claim = { owner: claimed?.key ?? "", token };
    const read = (await extractions.read(claim.owner, limits))?.messages.map((message) => message.id) ?? [];
    if (how === "done") await db.query("UPDATE engram.messages SET extracted_at = now()");

    let answered: Promise<boolean> | undefined;
    await db.transaction(async (tx) => {
      await add(createConversations(tx, { debounceMs: 0 }), "Второе утверждение о собаке");
      answered = how === "settle" ? extractions.settle(claim, read, []) : extractions.done(claim);
      await someoneWaits();
    });
    expect(await answered).toBe(true);
    expect(await db.query("SELECT lease FROM engram.outbox WHERE topic = 'extract'")).toEqual([{ lease: null }]);
  });
});
