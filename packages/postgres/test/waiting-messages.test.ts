// What a search finds of messages that nobody has read yet, or that could not be read.
import { beforeEach, expect, test } from "@jest/globals";
import { createFakeExtractor } from "@engram/memory/contracts/fakes/extractor";
import { DEFAULT_PROJECT_ID, MemoryError, textQueryOf, workExtraction, type MemoryFilter } from "@engram/memory";
import { createConversations, createExtractions, createMemoryStore, createOutbox } from "../src/index.ts";
import { plainHits } from "../../memory/test/text-hits.ts";
import { describeOnDatabases } from "./databases.ts";
import { addOf, said, type Given } from "./add-call.ts";

const running = new AbortController().signal;

describeOnDatabases("messages that wait", (db) => {
  const conversations = createConversations(db, { debounceMs: 0 });
  const deps = { outbox: createOutbox(db), store: createMemoryStore(db), extractions: createExtractions(db) };
  beforeEach(() => db.script("DELETE FROM engram.outbox; DELETE FROM engram.messages; DELETE FROM engram.events"));

  const add = (messages: ReturnType<typeof said>, given: Given = {}) => conversations.add(addOf(messages, given));
  const find = async (query: string, narrowed: Partial<MemoryFilter> = {}) => {
    const filter = { scope: { projectId: DEFAULT_PROJECT_ID, userId: "u", exact: false }, ...narrowed };
    const { hits } = plainHits(await conversations.searchText(() => textQueryOf(query, new Date()), filter, 10));
    const found = await conversations.findMessages(
      hits.map((hit) => hit.id),
      filter,
    );
    return found.map((message) => message.content);
  };
  /** Until every one of them has been set aside. */
  const failToRead = async () => {
    const extractor = createFakeExtractor();
    const { answer } = extractor;
    extractor.answer = (request) =>
      request.turns.some((turn) => turn.content.includes("домофон"))
        ? Promise.reject(new MemoryError("invalid", "no JSON"))
        : answer(request);
    const options = { leaseSeconds: 60, horizonSeconds: 300 };
    while ((await workExtraction({ ...deps, extractor }, options, running)) !== undefined)
      await db.script("UPDATE engram.outbox SET due_at = now() WHERE lease IS NULL");
  };

  test("as of a time only what had been said by then is found", async () => {
    const saidAt = new Date("2026-03-05T10:00:00.123Z");
    await add(said({ content: "Я переехал и живу в Москве", saidAt }));
    const asOf = (ms: number) => find("Москва", { asOf: new Date(saidAt.getTime() + ms) });
    expect(await asOf(-1)).toEqual([]);
    expect(await asOf(0)).toEqual(["Я переехал и живу в Москве"]);
    await add(said("Ещё в Москве я пеку хлеб"));
    expect(await asOf(0)).toEqual(["Я переехал и живу в Москве"]);
    expect(await find("Москва")).toHaveLength(2);
  });

  test("as of the time that a message shows it is found, though the clock has finer ticks", async () => {
    await add(said("Я переехал и живу в Москве"));
    await db.script("UPDATE engram.messages SET said_at = '2026-03-05T10:00:00.123456Z'");
    expect(await find("Москва", { asOf: new Date("2026-03-05T10:00:00.123Z") })).toHaveLength(1);
  });

  test("what was said for a while is not found after it, whether it still waits or could not be read", async () => {
    await add(said("Код от домофона 4711, до вечера"), { expiresAt: new Date(Date.now() + 3_600_000) });
    await add(said("Пароль от домофона прежний"));
    expect(await find("домофон")).toHaveLength(2);
    await db.script("UPDATE engram.events SET memory_expires_at = now() WHERE memory_expires_at IS NOT NULL");
    expect(await find("домофон")).toEqual(["Пароль от домофона прежний"]);
    await failToRead();
    expect(await find("домофон")).toEqual(["Пароль от домофона прежний"]);
    await db.script("UPDATE engram.events SET completed_at = now() - interval '40 days'");
    expect((await conversations.sweepEvents()).deleted).toBe(2);
    expect(await find("домофон")).toEqual(["Пароль от домофона прежний"]);
    expect(await db.query("SELECT content FROM engram.messages ORDER BY id")).toEqual([
      { content: "" },
      { content: "Пароль от домофона прежний" },
    ]);
  });

  test("the event of what could not be read stays as long as it knows when that expires", async () => {
    await add(said("Код от домофона 4711, до осени"), { expiresAt: new Date(Date.now() + 3_600_000) });
    await failToRead();
    await db.script("UPDATE engram.events SET completed_at = now() - interval '40 days'");
    expect((await conversations.sweepEvents()).deleted).toBe(0);
    expect(await find("домофон")).toHaveLength(1);
  });
});
