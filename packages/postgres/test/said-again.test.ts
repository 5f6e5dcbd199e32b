// A change of mind back in the same words, told from a history that is sent again.
import { beforeEach, describe, expect, test } from "@jest/globals";
import { createFakeExtractor, factsOf } from "@engram/memory/contracts/fakes/extractor";
import { DEFAULT_PROJECT_ID, workExtraction, type ExtractedFact, type MessageDraft } from "@engram/memory";
import { createConversations, createExtractions, createMemoryStore, createOutbox } from "../src/index.ts";
import { describeOnDatabases } from "./databases.ts";
import { addOf, said } from "./add-call.ts";

const projectId = DEFAULT_PROJECT_ID;
const running = new AbortController().signal;

const KAZAN = "Я теперь живу в Казани";
const MOSCOW = "Я теперь живу в Москве";
const SHORT = { kazan: "Живу в Казани", moscow: "Живу в Москве" };
const THANKS = "Спасибо, это всё на сегодня";

describeOnDatabases("said again", (db) => {
  const conversations = createConversations(db, { debounceMs: 0 });
  const store = createMemoryStore(db);
  const deps = { outbox: createOutbox(db), store, extractions: createExtractions(db) };
  let extractor = createFakeExtractor();

  beforeEach(async () => {
    extractor = createFakeExtractor();
    // One home at a time: another one takes the place of what is known, the same one is the same.
    extractor.answer = (request) => {
      const facts = factsOf(request).flatMap((fact): ExtractedFact[] => {
        if (!fact.content.includes("иву в")) return [];
        const same = request.known.find((one) => one.content === fact.content);
        if (same !== undefined) return [{ ...fact, relation: { kind: "same", known: same.number } }];
        return [{ ...fact, relation: { kind: "replaces", known: request.known.map((one) => one.number) } }];
      });
      return Promise.resolve({ facts, promptVersion: "test" });
    };
    await db.script(
      "TRUNCATE public.memories; DELETE FROM engram.history; DELETE FROM engram.outbox; DELETE FROM engram.messages; DELETE FROM engram.events",
    );
  });

  const by = (role: "user" | "assistant", content: string): Partial<MessageDraft> => ({ role, content });
  const add = (turns: readonly (string | Partial<MessageDraft>)[], sessionId = "s") =>
    conversations.add(addOf(said(...turns), { sessionId }));
  const read = async () => {
    while (
      (await workExtraction({ ...deps, extractor }, { leaseSeconds: 60, horizonSeconds: 300 }, running)) !== undefined
    );
  };
  /** Says it, and waits until it has been read; the number of calls that this took. */
  const say = async (turns: readonly (string | Partial<MessageDraft>)[], sessionId = "s") => {
    const before = extractor.requests.length;
    await add(turns, sessionId);
    await read();
    return extractor.requests.length - before;
  };
  const homes = async () => {
    const filter = { scope: { projectId, userId: "u", exact: true } };
    return (await store.listMemories({ filter, sort: "created_at", limit: 10, offset: 0 })).memories.map(
      (one) => one.content,
    );
  };

  describe("is told anew", () => {
    test.each([
      ["long", KAZAN, MOSCOW],
      ["short", SHORT.kazan, SHORT.moscow],
    ])("there and back, again and again: %s words", async (_, kazan, moscow) => {
      for (const home of [kazan, moscow, kazan, moscow, kazan, moscow, kazan]) {
        expect(await say([home])).toBe(1);
        expect(await homes()).toEqual([home]);
        expect(await say([home])).toBe(0);
      }
    });

    test("beside an answer of the assistant, which may be the same each time or another", async () => {
      await say([KAZAN, by("assistant", "Запомнил, вы теперь живёте в Казани")]);
      await say([MOSCOW, by("assistant", "Хорошо, я запомнил это")]);
      await say([KAZAN, by("assistant", "Хорошо, я запомнил это")]);
      expect(await homes()).toEqual([KAZAN]);
      await say([MOSCOW, by("assistant", "Хорошо, я запомнил это")]);
      expect(await homes()).toEqual([MOSCOW]);
    });

    test("at the end of a history, which is then sent again for nothing", async () => {
      const history: string[] = [];
      for (const turn of [KAZAN, MOSCOW, KAZAN, THANKS, MOSCOW, KAZAN]) {
        history.push(turn);
        expect(await say(history)).toBe(1);
        expect(await say(history)).toBe(0);
      }
      expect(await homes()).toEqual([KAZAN]);
    });

    test("at the end of a window over the history", async () => {
      await say([KAZAN]);
      await say([MOSCOW]);
      await say([THANKS]);
      expect(await say([MOSCOW, THANKS, KAZAN])).toBe(1);
      expect(await homes()).toEqual([KAZAN]);
      expect(await say([THANKS, KAZAN])).toBe(0);
    });

    test("before thanks that were said before", async () => {
      for (const turn of [THANKS, KAZAN, MOSCOW]) await say([turn]);
      await say([KAZAN, THANKS]);
      expect(await homes()).toEqual([KAZAN]);
    });

    test("as the only thing of a session, after another was told elsewhere", async () => {
      const reply = by("assistant", "Запомнил, вы теперь живёте в Казани");
      await say([KAZAN, reply]);
      await say([MOSCOW], "another");
      await say([KAZAN, reply]);
      expect(await homes()).toEqual([KAZAN]);
    });

    test("by twenty clients at once, once", async () => {
      await say([KAZAN]);
      await say([MOSCOW]);
      await Promise.all(Array.from({ length: 20 }, () => add([KAZAN])));
      await read();
      expect(extractor.requests).toHaveLength(3);
      expect(await homes()).toEqual([KAZAN]);
    });
  });

  describe("is known", () => {
    beforeEach(async () => {
      await say([KAZAN, by("assistant", "Запомнил: теперь Казань")]);
      await say([MOSCOW, by("assistant", "Запомнил: теперь Москва")]);
    });

    test("in a history whose answers read otherwise than they were kept", async () => {
      expect(await say([KAZAN, by("user", MOSCOW), THANKS])).toBe(1);
      expect(await homes()).toEqual([MOSCOW]);
    });

    test("in a session in which nothing was said after it", async () => {
      await say([KAZAN, by("assistant", "Казань так Казань, я запомнил")], "another");
      await say([MOSCOW]);
      expect(await homes()).toEqual([MOSCOW]);
      expect(await say([KAZAN, THANKS], "another")).toBe(1);
      expect(await homes()).toEqual([MOSCOW]);
    });

    test("while a memory that came of it stands", async () => {
      const [kazan] = await db.query<{ id: string }>("SELECT id FROM public.memories WHERE valid_to IS NOT NULL");
      await store.restoreMemory(projectId, kazan?.id ?? "", { requestId: null, name: "tester" });
      expect(await say([KAZAN])).toBe(0);
      expect(await homes()).toEqual([KAZAN]);
    });

    test("where nothing came of it, or what came of it was deleted", async () => {
      await say([THANKS]);
      await say([MOSCOW]);
      expect(await say([THANKS])).toBe(0);
      await db.script("DELETE FROM public.memories WHERE valid_to IS NOT NULL");
      expect(await say([KAZAN])).toBe(0);
      expect(await homes()).toEqual([MOSCOW]);
    });

    test("where the client tells its time", async () => {
      const saidAt = new Date("2026-01-10T10:00:00Z");
      const timed = [KAZAN, MOSCOW].map((content, i) => ({ content, saidAt: new Date(saidAt.getTime() + i * 1_000) }));
      for (const turn of timed) await say([turn], "timed");
      expect(await say(timed.slice(0, 1), "timed")).toBe(0);
    });

    test("as the assistant's words", async () => {
      extractor.answer = (request) =>
        Promise.resolve({
          facts: request.turns.map((turn) => ({
            content: turn.content,
            type: "fact",
            importance: null,
            entities: [],
            occurredAt: null,
            from: [turn.number],
            relation: { kind: "replaces", known: request.known.map((one) => one.number) },
          })),
          promptVersion: "test",
        });
      const [first, second] = [by("assistant", "Советую ехать поездом"), by("assistant", "Советую лететь самолётом")];
      await say([first], "advice");
      await say([second], "advice");
      await say([THANKS], "advice");
      expect(await say([first], "advice")).toBe(0);
    });
  });
});
