import { beforeEach, describe, expect, test } from "@jest/globals";
import { createFakeExtractor } from "@engram/memory/contracts/fakes/extractor";
import { DEFAULT_PROJECT_ID, EXTRACT_TOPIC, MemoryError, uuidv7, workExtraction, type AddDraft } from "@engram/memory";
import {
  createConversations,
  createErasures,
  createExtractions,
  createMemoryStore,
  createOutbox,
  createParkedJobs,
} from "../src/index.ts";
import { addOf, said } from "./add-call.ts";
import { describeOnDatabases } from "./databases.ts";

/* Talk that a model cannot read: an operator sees it, and it is read again when somebody says so. */

const projectId = DEFAULT_PROJECT_ID;
const options = { leaseSeconds: 60, horizonSeconds: 300 };
const running = new AbortController().signal;
const POISON = "Это утверждение не прочесть";

describeOnDatabases("talk that is set aside", (db) => {
  const conversations = createConversations(db, { debounceMs: 0 });
  const parked = createParkedJobs(db);
  let extractor = createFakeExtractor();
  beforeEach(async () => {
    extractor = createFakeExtractor();
    const { answer } = extractor;
    extractor.answer = (request) =>
      request.turns.some((turn) => turn.content === POISON)
        ? Promise.reject(new MemoryError("invalid", "no JSON"))
        : answer(request);
    await db.script(
      "TRUNCATE public.memories; DELETE FROM engram.history; DELETE FROM engram.outbox; DELETE FROM engram.messages; DELETE FROM engram.events",
    );
  });

  const speaker = { projectId, userId: "u", agentId: null, sessionId: "s" };
  const say = (content: string, given: Partial<AddDraft> = {}) =>
    conversations.add(addOf(said(content), { speaker, ...given }));
  /** Until nothing is due; a back-off is not waited for. */
  const drain = async () => {
    const parts = {
      outbox: createOutbox(db),
      store: createMemoryStore(db),
      extractions: createExtractions(db),
      extractor,
    };
    for (let n = 0; n < 100; n++) {
      if ((await workExtraction(parts, options, running)) === undefined) return;
      await db.script("UPDATE engram.outbox SET due_at = now() WHERE topic = 'extract' AND lease IS NULL");
    }
    throw new Error("extraction does not come to an end");
  };
  const statusOf = async (id: string) => (await conversations.getEvent(projectId, id))?.status;
  const listed = async () => (await parked.list({ limit: 10 })).map(({ topic, error }) => [topic, error]);
  const messages = async () =>
    (await db.query<{ content: string }>("SELECT content FROM engram.messages ORDER BY id")).map((one) => one.content);
  const workRows = () => db.query("SELECT 1 AS one FROM engram.outbox WHERE topic = 'extract'");
  const heal = () => {
    extractor.answer = createFakeExtractor().answer;
  };

  test("it is listed with its reason, also after its owner has said more", async () => {
    await say(POISON);
    await drain();
    const expected = [[EXTRACT_TOPIC, "invalid: talk that could not be read is set aside"]];
    expect(await listed()).toEqual(expected);
    await say("Я люблю чай с бергамотом");
    expect(await listed()).toEqual([]);
    await drain();
    expect(await listed()).toEqual(expected);
  });

  describe.each<[string, () => Promise<unknown>]>([
    ["of all jobs", () => parked.retry()],
    ["of its job", async () => parked.retry(await parked.list({ limit: 1 }))],
  ])("a retry %s", (_name, retry) => {
    test("has it read again, and its event tells what came of it", async () => {
      const { id } = await say(POISON);
      await drain();
      expect(await statusOf(id)).toBe("failed");
      heal();
      expect(await retry()).toBe(1);
      expect(await statusOf(id)).toBe("queued");
      await drain();
      expect(await conversations.getEvent(projectId, id)).toMatchObject({
        status: "done",
        error: null,
        results: [{ event: "ADD", memory: POISON }],
      });
      expect(await workRows()).toEqual([]);
    });
  });

  test("a retry does so while its owner's talk waits, and not of what was given up", async () => {
    await say(POISON);
    await drain();
    await say("Я люблю чай с бергамотом");
    expect(await parked.retry()).toBe(1);
    await drain();
    expect(await parked.discard()).toBe(1);
    expect(await parked.retry()).toBe(0);
    expect(await listed()).toEqual([]);
    await say("Ещё я люблю рыбалку на Волге");
    await drain();
    expect(await listed()).toEqual([]);
  });

  test("told again it is read again", async () => {
    await say(POISON);
    await drain();
    heal();
    const { id, status } = await say(POISON);
    expect(status).toBe("queued");
    await drain();
    expect(await conversations.getEvent(projectId, id)).toMatchObject({
      status: "done",
      results: [{ memory: POISON }],
    });
  });

  test("it is read again when its event is forgotten by now", async () => {
    await say(POISON);
    await drain();
    await db.script("DELETE FROM engram.events");
    heal();
    await parked.retry();
    await drain();
    expect(await db.query("SELECT content FROM public.memories")).toEqual([{ content: POISON }]);
  });

  test("told again in vain it fails again, with the reason", async () => {
    await say(POISON);
    await drain();
    const { id } = await say(POISON);
    await drain();
    expect(await conversations.getEvent(projectId, id)).toMatchObject({
      status: "failed",
      error: expect.stringMatching(/^invalid: /),
    });
  });

  test("further tries are some time apart", async () => {
    await say(POISON);
    const parts = {
      outbox: createOutbox(db),
      store: createMemoryStore(db),
      extractions: createExtractions(db),
      extractor,
    };
    expect((await workExtraction(parts, options, running))?.outcome).toBe("failed");
    const [row] = await db.query(
      "SELECT due_at > clock_timestamp() AS later FROM engram.outbox WHERE topic = 'extract'",
    );
    expect(row).toEqual({ later: true });
  });

  test.each(["DELETE FROM public.memories WHERE user_id = 'u'", "TRUNCATE public.memories"])(
    "it goes with its user's last memory, and its job with it: %s",
    async (sql) => {
      await say(POISON);
      await say("Я живу в Казани уже десять лет");
      await drain();
      await db.script(sql);
      expect(await messages()).toEqual([]);
      expect(await workRows()).toEqual([]);
    },
  );

  test("it does not go with the last memory of another project's user of that name", async () => {
    const other = uuidv7();
    await db.query("INSERT INTO engram.projects (id, name) VALUES ($1, $2)", [other, other]);
    await say(POISON, { speaker: { ...speaker, projectId: other } });
    await say("Я живу в Казани уже десять лет");
    await drain();
    await db.script("DELETE FROM public.memories");
    expect(await messages()).toEqual([POISON]);
    expect(await listed()).toHaveLength(1);
  });

  test("while its user has another memory it stays", async () => {
    await say(POISON);
    await say("Я живу в Казани уже десять лет");
    await drain();
    await say("Ещё я люблю рыбалку на Волге");
    await drain();
    await db.script("DELETE FROM public.memories WHERE content LIKE '%Казани%'");
    expect(await messages()).toContain(POISON);
    expect(await listed()).toHaveLength(1);
  });

  test("an erasure leaves nothing of it", async () => {
    await say(POISON);
    await drain();
    await createErasures(db).request({ projectId, userId: "u" }, { requestId: null, name: "tester" });
    expect(await messages()).toEqual([]);
    expect(await workRows()).toEqual([]);
  });
});
