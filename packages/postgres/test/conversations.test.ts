import { beforeEach, describe, expect, test } from "@jest/globals";
import { createFakeExtractor, factsOf } from "@engram/memory/contracts/fakes/extractor";
import {
  DEFAULT_PROJECT_ID,
  MemoryError,
  textQueryOf,
  workExtraction,
  type ExtractedFact,
  type ExtractionRequest,
  type MessageDraft,
} from "@engram/memory";
import {
  createConversations,
  createErasures,
  createExtractions,
  createMemoryStore,
  createOutbox,
} from "../src/index.ts";
import { plainHits } from "../../memory/test/text-hits.ts";
import { describeOnDatabases } from "./databases.ts";
import { addOf, said, type Given } from "./add-call.ts";

const projectId = DEFAULT_PROJECT_ID;
const options = { leaseSeconds: 60, horizonSeconds: 300 };
const running = new AbortController().signal;
const actor = { requestId: null, name: "tester" };

describeOnDatabases("conversations", (db) => {
  const conversations = createConversations(db, { debounceMs: 0 });
  const extractions = createExtractions(db);
  const store = createMemoryStore(db);
  const outbox = createOutbox(db);
  let extractor = createFakeExtractor();
  beforeEach(async () => {
    extractor = createFakeExtractor();
    await db.script(
      "TRUNCATE public.memories; DELETE FROM engram.history; DELETE FROM engram.outbox; DELETE FROM engram.messages; DELETE FROM engram.events; DELETE FROM engram.idempotency",
    );
  });

  const add = (messages: readonly MessageDraft[], given: Given = {}) => conversations.add(addOf(messages, given));
  const work = () => workExtraction({ outbox, store, extractions, extractor }, options, running);
  /** Until nothing is due, as a worker's hand does. */
  const drain = async () => {
    const reports = [];
    for (;;) {
      const report = await work();
      if (report === undefined) return reports;
      reports.push(report);
      // A back-off is not waited for here.
      await db.script("UPDATE engram.outbox SET due_at = now() WHERE topic = 'extract' AND lease IS NULL");
      if (reports.length > 200) throw new Error("extraction does not come to an end");
    }
  };
  const eventOf = async (id: string) => {
    const event = await conversations.getEvent(projectId, id);
    if (event === undefined) throw new Error("no event");
    return event;
  };
  const contents = async (where = "valid_to IS NULL") =>
    (
      await db.query<{ content: string }>(`SELECT content FROM public.memories WHERE ${where} ORDER BY created_at, id`)
    ).map((row) => row.content);
  const workRows = async () => (await db.query("SELECT 1 AS one FROM engram.outbox WHERE topic = 'extract'")).length;
  const find = async (query: string, userId = "u") => {
    const filter = { scope: { projectId, userId, exact: false } };
    const { hits } = plainHits(await conversations.searchText(() => textQueryOf(query, new Date()), filter, 10));
    return (
      await conversations.findMessages(
        hits.map((hit) => hit.id),
        filter,
      )
    ).map((message) => message.content);
  };

  describe("add", () => {
    test("what was said is found by its words at once, and by nobody else", async () => {
      await add(said("Меня зовут Антон, я программист"));
      expect(await find("программиста")).toEqual(["Меня зовут Антон, я программист"]);
      expect(await find("программиста", "other")).toEqual([]);
    });

    test("it becomes memories that cite it, and then only they are found", async () => {
      const messages = said("Меня зовут Антон, я программист", {
        role: "assistant",
        content: "Рад познакомиться, Антон!",
      });
      const { id, status } = await add(messages, { metadata: { channel: "telegram" } });
      expect(status).toBe("queued");
      await drain();
      const event = await eventOf(id);
      expect(event).toMatchObject({ status: "done", error: null });
      expect(event.results).toEqual([
        { id: expect.any(String), memory: "Меня зовут Антон, я программист", event: "ADD" },
      ]);
      const [row] = await db.query("SELECT metadata, source_message_ids, provenance, session_id FROM public.memories");
      expect(row).toEqual({
        metadata: { channel: "telegram" },
        source_message_ids: [messages[0]?.id],
        provenance: { role: "user", trust: "said_by_user", model: "fake-llm", prompt: "test" },
        session_id: "s",
      });
      expect(await find("программиста")).toEqual([]);
      expect(await workRows()).toBe(0);
      expect(
        (await conversations.turns({ projectId, userId: "u", agentId: null, sessionId: "s" }, 10)).map(
          (one) => one.content,
        ),
      ).toEqual(["Меня зовут Антон, я программист", "Рад познакомиться, Антон!"]);
    });

    test("the same again costs no call, and its event has what came of it", async () => {
      const turns = ["Я живу в Казани уже десять лет", { role: "assistant", content: "Запомнил" }] as const;
      await add(said(...turns));
      await drain();
      const again = await add(said(...turns));
      expect(again).toMatchObject({
        status: "done",
        results: [{ memory: "Я живу в Казани уже десять лет", event: "SAME" }],
      });
      expect(await drain()).toEqual([]);
      expect(extractor.requests).toHaveLength(1);
    });

    test("a client that sends its history each time pays for what is new", async () => {
      const history = [
        "Я работаю в банке аналитиком",
        { role: "assistant", content: "Понятно" },
        "Хочу сменить работу этим летом",
      ] as const;
      for (const n of [1, 2, 3]) {
        await add(said(...history.slice(0, n)));
        await drain();
      }
      expect(extractor.requests.map((request) => request.turns.map((turn) => turn.content))).toEqual([
        ["Я работаю в банке аналитиком"],
        ["Понятно"],
        ["Хочу сменить работу этим летом"],
      ]);
    });

    test("a short answer is another message after another question, and the same when it is sent again", async () => {
      const ask = (content: string): Partial<MessageDraft> => ({ role: "assistant", content });
      await add(said(ask("Любите ли вы чай с молоком?"), "да"));
      await add(said(ask("Любите ли вы кофе без сахара?"), "да"));
      await add(said("да"));
      await drain();
      expect(extractor.requests.flatMap((request) => request.turns.map((turn) => turn.content))).toEqual([
        "Любите ли вы чай с молоком?",
        "да",
        "Любите ли вы кофе без сахара?",
        "да",
      ]);
    });

    test("the same words in another session, or at another time that the client tells, are said anew", async () => {
      const run = { content: "Сегодня я пробежал пять километров", role: "user" as const };
      await add(said({ ...run, saidAt: new Date("2026-05-01T08:00:00Z") }));
      await add(said({ ...run, saidAt: new Date("2026-05-02T08:00:00Z") }));
      await add(said({ ...run, saidAt: new Date("2026-05-02T08:00:00Z") }));
      await add(said(run), { sessionId: "other" });
      const [row] = await db.query<{ n: number }>("SELECT count(*)::int AS n FROM engram.messages");
      expect(row?.n).toBe(3);
    });

    test("a call whose messages still wait shares their extraction", async () => {
      const first = await add(said("Моя собака — такса по кличке Рекс"));
      const second = await add(said("Моя собака — такса по кличке Рекс"));
      expect((await eventOf(second.id)).status).toBe("queued");
      await drain();
      for (const { id } of [first, second])
        expect(await eventOf(id)).toMatchObject({ status: "done", results: [{ event: "ADD" }] });
      expect(extractor.requests).toHaveLength(1);
    });

    test("several calls at once are read by one, each event with its own", async () => {
      const events = [];
      for (const n of [1, 2, 3]) events.push(await add(said(`Это моё утверждение номер ${n}`)));
      await drain();
      expect(extractor.requests.map((request) => request.turns.length)).toEqual([3]);
      for (const [i, { id }] of events.entries())
        expect((await eventOf(id)).results.map((one) => one.memory)).toEqual([`Это моё утверждение номер ${i + 1}`]);
    });

    test("infer: false keeps every turn as it is, once, without any model", async () => {
      const turns = ["Привет!", { role: "assistant", content: "Здравствуйте!" }] as const;
      const event = await add(said(...turns), { infer: false });
      expect(event.status).toBe("done");
      expect(event.results.map((one) => [one.event, one.memory])).toEqual([
        ["ADD", "Привет!"],
        ["ADD", "Здравствуйте!"],
      ]);
      expect((await add(said(...turns), { infer: false })).results.map((one) => one.event)).toEqual(["SAME", "SAME"]);
      expect(await contents()).toEqual(["Привет!", "Здравствуйте!"]);
      expect(await drain()).toEqual([]);
    });

    test("nothing to say is done at once", async () => {
      expect(await add([])).toMatchObject({ status: "done", results: [] });
      expect(await workRows()).toBe(0);
    });

    test("twenty clients that send the same at once keep it once", async () => {
      const turns = ["Меня зовут Мария, и я врач в Самаре", { role: "assistant", content: "Очень приятно" }] as const;
      await Promise.all(Array.from({ length: 20 }, () => add(said(...turns))));
      const [row] = await db.query<{ n: number }>("SELECT count(*)::int AS n FROM engram.messages");
      expect(row?.n).toBe(2);
      await drain();
      expect(await contents()).toEqual(["Меня зовут Мария, и я врач в Самаре"]);
    });
  });

  describe("extraction", () => {
    const replacing =
      (content: string) =>
      (request: ExtractionRequest): Promise<{ facts: readonly ExtractedFact[]; promptVersion: string }> => {
        const old = request.known.find((one) => one.content === content);
        const facts = factsOf(request).map((fact) =>
          old === undefined ? fact : { ...fact, relation: { kind: "replaces" as const, known: [old.number] } },
        );
        return Promise.resolve({ facts, promptVersion: "test" });
      };

    test("what replaces another ends it when it was said, and the event says so", async () => {
      await add(said({ content: "Я живу в Казани", saidAt: new Date("2026-01-10T10:00:00Z") }));
      await drain();
      extractor.answer = replacing("Я живу в Казани");
      const { id } = await add(
        said({ content: "Я переехал и живу в Москве", saidAt: new Date("2026-03-05T10:00:00Z") }),
      );
      await drain();
      expect((await eventOf(id)).results).toMatchObject([{ event: "SUPERSEDE", memory: "Я переехал и живу в Москве" }]);
      const rows = await db.query("SELECT content, valid_from, valid_to FROM public.memories ORDER BY valid_from");
      expect(rows).toEqual([
        {
          content: "Я живу в Казани",
          valid_from: new Date("2026-01-10T10:00:00Z"),
          valid_to: new Date("2026-03-05T10:00:00Z"),
        },
        { content: "Я переехал и живу в Москве", valid_from: new Date("2026-03-05T10:00:00Z"), valid_to: null },
      ]);
    });

    test("talk that comes late does not end what was said after it", async () => {
      await add(said({ content: "Я живу в Москве", saidAt: new Date("2026-03-05T10:00:00Z") }));
      await drain();
      extractor.answer = replacing("Я живу в Москве");
      await add(said({ content: "Я живу в Казани", saidAt: new Date("2026-01-10T10:00:00Z") }));
      await drain();
      expect(await contents()).toEqual(["Я живу в Москве"]);
      expect(await contents("valid_to = '2026-03-05T10:00:00Z'")).toEqual(["Я живу в Казани"]);
    });

    test("what a clock that is ahead has told was said now, and is replaced by what is said next", async () => {
      const ahead = new Date(Date.now() + 5 * 3_600_000);
      const told = said({ content: "Я живу в Казани", saidAt: ahead });
      await add(told);
      await drain();
      expect(await contents("valid_from <= now() AND occurred_at <= now()")).toEqual(["Я живу в Казани"]);
      // Sent again it is the same message all the same.
      expect((await add(said({ content: "Я живу в Казани", saidAt: ahead }))).status).toBe("done");
      extractor.answer = replacing("Я живу в Казани");
      await add(said("Я переехал и живу в Москве"));
      await drain();
      expect(await contents()).toEqual(["Я переехал и живу в Москве"]);
    });

    test("infer: false keeps it at the time of the database too", async () => {
      await add(said({ content: "Я живу в Казани", saidAt: new Date(Date.now() + 5 * 3_600_000) }), { infer: false });
      expect(await contents("valid_from <= now() AND occurred_at <= now()")).toEqual(["Я живу в Казани"]);
    });

    test("what is the same grows in count and keeps its words", async () => {
      await add(said("Я люблю чай с бергамотом"));
      await drain();
      extractor.answer = (request) => {
        const facts = factsOf(request).map((fact) => ({ ...fact, relation: { kind: "same" as const, known: 1 } }));
        return Promise.resolve({ facts, promptVersion: "test" });
      };
      const { id } = await add(said("Как я говорил, бергамотовый чай я очень люблю"));
      await drain();
      expect((await eventOf(id)).results).toMatchObject([{ event: "SAME", memory: "Я люблю чай с бергамотом" }]);
      expect(
        await db.query("SELECT seen_count, cardinality(source_message_ids) AS sources FROM public.memories"),
      ).toEqual([{ seen_count: 2, sources: 2 }]);
    });

    test("another user's memories are never shown", async () => {
      await add(said("Я живу в Казани"), { userId: "other" });
      await drain();
      await add(said("Я живу в Москве"));
      await drain();
      expect(extractor.requests.at(-1)?.known).toEqual([]);
    });

    test("while the provider is away nothing is lost, and then each is read once and in order", async () => {
      extractor.answer = () => Promise.reject(new MemoryError("unavailable", "away"));
      for (let n = 1; n <= 5; n++) await add(said(`Это моё утверждение номер ${n}`));
      expect((await work())?.outcome).toBe("failed");
      expect(await find("утверждение")).toHaveLength(5);
      extractor.answer = createFakeExtractor().answer;
      await db.script("UPDATE engram.outbox SET due_at = now()");
      await drain();
      expect(await contents()).toEqual([1, 2, 3, 4, 5].map((n) => `Это моё утверждение номер ${n}`));
    });

    test("an answer that cannot be read halves the batch down to the message at fault, which stays findable", async () => {
      extractor.answer = (request) =>
        request.turns.some((turn) => turn.content.includes("яд"))
          ? Promise.reject(new MemoryError("invalid", "no JSON"))
          : createFakeExtractor().answer(request);
      const events = [];
      for (const content of ["Первое утверждение о кошке", "Второе, и в нём яд", "Третье утверждение о собаке"])
        events.push(await add(said(content)));
      await drain();
      expect(await contents()).toEqual(["Первое утверждение о кошке", "Третье утверждение о собаке"]);
      const statuses = [];
      for (const { id } of events) statuses.push((await eventOf(id)).status);
      expect(statuses).toEqual(["done", "failed", "done"]);
      expect((await eventOf(events[1]?.id ?? "")).error).toMatch(/^invalid: /);
      expect(await find("яд")).toEqual(["Второе, и в нём яд"]);
    });

    test("a worker that lost its lease in the middle changes nothing", async () => {
      const { id } = await add(said("Я собираюсь в отпуск в июле"));
      extractor.answer = async (request) => {
        extractor.answer = createFakeExtractor().answer;
        await db.script("UPDATE engram.outbox SET due_at = now() WHERE topic = 'extract'");
        await drain(); // another worker, after the lease
        return { facts: factsOf(request), promptVersion: "late" };
      };
      expect((await work())?.outcome).toBe("lost");
      expect(await db.query("SELECT provenance ->> 'prompt' AS prompt, seen_count FROM public.memories")).toEqual([
        { prompt: "test", seen_count: 1 },
      ]);
      expect((await eventOf(id)).results).toHaveLength(1);
    });

    test("what comes while a batch is read is read next, not lost", async () => {
      await add(said("Первое утверждение о кошке"));
      extractor.answer = async (request) => {
        extractor.answer = createFakeExtractor().answer;
        await add(said("Второе утверждение о собаке"));
        return { facts: factsOf(request), promptVersion: "test" };
      };
      await work();
      expect(await workRows()).toBe(1);
      await drain();
      expect(await contents()).toEqual(["Первое утверждение о кошке", "Второе утверждение о собаке"]);
    });

    test("a person who is erased while their talk is being read leaves nothing", async () => {
      await add(said("Меня зовут Антон, и я живу в Казани"));
      extractor.answer = async (request) => {
        await createErasures(db).request({ projectId, userId: "u" }, actor);
        return { facts: factsOf(request), promptVersion: "test" };
      };
      expect((await work())?.outcome).toBe("lost");
      expect(await contents("true")).toEqual([]);
      for (const table of ["messages", "events"])
        expect(await db.query(`SELECT 1 AS one FROM engram.${table}`)).toEqual([]);
      await drain();
      expect(await workRows()).toBe(0);
    });

    test("while the project's budget is spent its events are parked", async () => {
      const { id } = await add(said("Я люблю рыбалку на Волге"));
      const heldBack = () => Promise.resolve({ reason: "the day's dollars are spent", seconds: 60 });
      const report = await workExtraction({ outbox, store, extractions, extractor, heldBack }, options, running);
      expect(report?.outcome).toBe("held_back");
      expect(await eventOf(id)).toMatchObject({ status: "parked", error: "budget: the day's dollars are spent" });
      await db.script("UPDATE engram.outbox SET due_at = now() WHERE topic = 'extract'");
      await drain();
      expect((await eventOf(id)).status).toBe("done");
    });
  });

  describe("deleting", () => {
    test("a deleted memory's message tells nothing any more, and its history does not bring it back", async () => {
      const turns = ["Я живу в Казани уже десять лет", "Ещё я люблю рыбалку на Волге"] as const;
      await add(said(...turns));
      await drain();
      await db.script("DELETE FROM public.memories WHERE content LIKE '%Казани%'");
      expect(
        (await conversations.turns({ projectId, userId: "u", agentId: null, sessionId: "s" }, 10)).map(
          (one) => one.content,
        ),
      ).toEqual(["Ещё я люблю рыбалку на Волге"]);
      await add(said(...turns));
      expect(await drain()).toEqual([]);
      expect(await contents()).toEqual(["Ещё я люблю рыбалку на Волге"]);
    });

    test.each(["DELETE FROM public.memories WHERE user_id = 'u'", "TRUNCATE public.memories"])(
      "with a user's last memory go the extracted messages, not those that wait: %s",
      async (sql) => {
        await add(said("Я живу в Казани уже десять лет"));
        await drain();
        await add(said("Ещё я люблю рыбалку на Волге"));
        await db.script(sql);
        expect(await db.query("SELECT content FROM engram.messages")).toEqual([
          { content: "Ещё я люблю рыбалку на Волге" },
        ]);
      },
    );
  });
});
