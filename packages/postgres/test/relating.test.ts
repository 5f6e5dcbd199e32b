import { beforeEach, describe, expect, test } from "@jest/globals";
import { createFakeExtractor, factsOf } from "@engram/memory/contracts/fakes/extractor";
import {
  DEFAULT_PROJECT_ID,
  uuidv7,
  workExtraction,
  type Extraction,
  type ExtractedFact,
  type ExtractionRequest,
  type MemoryDraft,
  type MessageDraft,
  type Speaker,
} from "@engram/memory";
import { createConversations, createExtractions, createMemoryStore, createOutbox } from "../src/index.ts";
import { describeOnDatabases } from "./databases.ts";
import { draft } from "./draft.ts";

/* How what is said relates to what is known: whose memories are shown, and what becomes of those that the answer names. */

const projectId = DEFAULT_PROJECT_ID;
const options = { leaseSeconds: 60, horizonSeconds: 300 };
const running = new AbortController().signal;

type Turn = string | Partial<MessageDraft>;
type Whose = Partial<Speaker>;

describeOnDatabases("what is said and what is known", (db) => {
  const conversations = createConversations(db, { debounceMs: 0 });
  const extractions = createExtractions(db);
  const store = createMemoryStore(db);
  const outbox = createOutbox(db);
  let extractor = createFakeExtractor();
  beforeEach(async () => {
    extractor = createFakeExtractor();
    await db.script(
      "TRUNCATE public.memories; DELETE FROM engram.history; DELETE FROM engram.outbox; DELETE FROM engram.messages; DELETE FROM engram.events",
    );
  });

  const add = (turns: readonly Turn[], whose: Whose = {}) =>
    conversations.add({
      eventId: uuidv7(),
      speaker: { projectId, userId: "u", agentId: null, sessionId: "s", ...whose },
      messages: turns.map((turn) => ({
        id: uuidv7(),
        role: "user",
        name: null,
        content: "",
        saidAt: null,
        ...(typeof turn === "string" ? { content: turn } : turn),
      })),
      metadata: {},
      infer: true,
      wishes: { instructions: null, includes: null, excludes: null },
      expiresAt: null,
      requestId: null,
    });
  const work = async () => {
    while ((await workExtraction({ outbox, store, extractions, extractor }, options, running)) !== undefined);
  };
  /** Says it and has it read, answered as `answer` tells. */
  const say = async (
    turns: readonly Turn[],
    answer?: (request: ExtractionRequest) => Extraction["facts"],
    whose = {},
  ) => {
    if (answer !== undefined)
      extractor.answer = (request) => Promise.resolve({ facts: answer(request), promptVersion: "test" });
    const { id } = await add(turns, whose);
    await work();
    extractor.answer = createFakeExtractor().answer;
    return (await conversations.getEvent(projectId, id))?.results.map((one) => one.event);
  };
  const put = (given: Partial<MemoryDraft>) => store.putMemories([draft(given)]);
  const contents = async (where = "valid_to IS NULL") =>
    (
      await db.query<{ content: string }>(`SELECT content FROM public.memories WHERE ${where} ORDER BY created_at, id`)
    ).map((row) => row.content);
  const shown = () => extractor.requests.at(-1)?.known.map((one) => one.content) ?? [];

  describe("whose memories are shown", () => {
    const owners = {
      "the user's own": { userId: "u" },
      "another user's": { userId: "other" },
      "the user's own with the agent": { userId: "u", agentId: "a", level: "agent" },
      "another user's with the agent": { userId: "other", agentId: "a", level: "agent" },
      "the agent's, of all its users": { userId: null, agentId: "a", level: "agent" },
      "another agent's, of all its users": { userId: null, agentId: "b", level: "agent" },
      "of the user's session": { userId: "u", sessionId: "s", level: "session" },
      "of another user's session of that name": { userId: "other", sessionId: "s", level: "session" },
      "told to the user's by the agent": { userId: "u", agentId: "a" },
    } as const satisfies Record<string, Partial<MemoryDraft>>;
    const everything = async () => {
      for (const [whose, given] of Object.entries(owners))
        await put({ ...given, content: `Пароль от сейфа: ${whose}` });
    };

    test.each<[string, Whose, readonly (keyof typeof owners)[]]>([
      ["a user", { userId: "u" }, ["the user's own", "told to the user's by the agent"]],
      ["a user with an agent", { userId: "u", agentId: "a" }, ["the user's own", "told to the user's by the agent"]],
      ["an agent by itself", { userId: null, agentId: "a" }, ["the agent's, of all its users"]],
      ["an agent in a session", { userId: null, agentId: "a", sessionId: "s" }, ["the agent's, of all its users"]],
      ["an agent that is named like a user", { userId: null, agentId: "u" }, []],
    ])("to the talk of %s: those of whom its memories will be", async (_whose, whose, expected) => {
      await everything();
      await say(["Скажи мне пароль от сейфа"], undefined, whose);
      expect(shown().toSorted()).toEqual(expected.map((one) => `Пароль от сейфа: ${one}`).toSorted());
    });

    test("an agent's talk does not tell all its users what one of them has told it", async () => {
      await everything();
      const same = (request: ExtractionRequest) =>
        factsOf(request).map((fact) => ({ ...fact, relation: { kind: "same", known: 1 } as const }));
      await say(["Какой у нас пароль от сейфа?"], same, { userId: null, agentId: "a" });
      const shared = await store.findMemories(
        (await db.query<{ id: string }>("SELECT id FROM public.memories")).map((row) => row.id),
        { scope: { projectId, userId: "attacker", agentId: "a", exact: false } },
      );
      expect(shared.map((one) => one.content)).toEqual(["Пароль от сейфа: the agent's, of all its users"]);
    });

    test("what is not the speaker's is not ended, whatever is named", async () => {
      await everything();
      const ids = (await db.query<{ id: string }>("SELECT id FROM public.memories")).map((row) => row.id);
      await add(["Пароль сменился"], { userId: null, agentId: "a" });
      const [message] = await db.query<{ id: string }>("SELECT id FROM engram.messages");
      const token = uuidv7();
      const [claim] = await outbox.claim({ topic: "extract", limit: 1, token, ...options });
      const fact = draft({ userId: null, agentId: "a", level: "agent", content: "Новый пароль" });
      await extractions.settle(
        { owner: claim?.key ?? "", token },
        [message?.id ?? ""],
        [{ draft: fact, retires: ids }],
      );
      expect(await contents("valid_to IS NOT NULL")).toEqual(["Пароль от сейфа: the agent's, of all its users"]);
    });
  });

  describe("within one talk", () => {
    const on = (day: string, content: string): Turn => ({ content, saidAt: new Date(`2026-${day}T10:00:00Z`) });
    /** Every turn is a fact, related as told by its place. */
    const related =
      (...relations: readonly ExtractedFact["relation"][]) =>
      (request: ExtractionRequest) =>
        factsOf(request).map((fact, i) => ({ ...fact, relation: relations[i] ?? fact.relation }));
    const fresh = { kind: "new" } as const;
    const replaces = (...earlier: number[]) => ({ kind: "replaces", known: [], earlier }) as const;
    const lives = () =>
      db.query(
        `SELECT content, valid_from::date::text AS "from", valid_to::date::text AS "to" FROM public.memories ORDER BY valid_from, id`,
      );

    test("what is said later replaces what was said before, and time remembers both", async () => {
      const events = await say(
        [on("01-10", "Я живу в Казани"), on("03-05", "Я переехал в Москву")],
        related(fresh, replaces(1)),
      );
      expect(events).toEqual(["ADD", "SUPERSEDE"]);
      expect(await lives()).toEqual([
        { content: "Я живу в Казани", from: "2026-01-10", to: "2026-03-05" },
        { content: "Я переехал в Москву", from: "2026-03-05", to: null },
      ]);
      const scope = { projectId, userId: "u", exact: false } as const;
      const then = await store.recentMemories({ scope, asOf: new Date("2026-02-01T10:00:00Z") }, 10);
      expect(then.map((one) => one.content)).toEqual(["Я живу в Казани"]);
    });

    test("there and back again", async () => {
      await say(
        [on("01-10", "Я живу в Казани"), on("03-05", "Я живу в Москве"), on("06-01", "Я живу в Казани")],
        related(fresh, replaces(1), replaces(2)),
      );
      expect(await lives()).toEqual([
        { content: "Я живу в Казани", from: "2026-01-10", to: "2026-03-05" },
        { content: "Я живу в Москве", from: "2026-03-05", to: "2026-06-01" },
        { content: "Я живу в Казани", from: "2026-06-01", to: null },
      ]);
    });

    test("what is the same as what was replaced meanwhile is so again", async () => {
      await say([on("01-10", "Я живу в Казани")]);
      await say(
        [on("03-05", "Я живу в Москве"), on("06-01", "Я снова в Казани"), on("07-01", "Живу в Казани")],
        related({ kind: "replaces", known: [1] }, { kind: "same", known: 1 }, { kind: "same", earlier: 2 }),
      );
      expect(await lives()).toEqual([
        { content: "Я живу в Казани", from: "2026-01-10", to: "2026-03-05" },
        { content: "Я живу в Москве", from: "2026-03-05", to: "2026-06-01" },
        { content: "Я снова в Казани", from: "2026-06-01", to: null },
      ]);
    });

    test("what is said twice in other words is one memory, and cites both", async () => {
      const events = await say(
        ["Я люблю чай", "Чай — мой любимый напиток"],
        related(fresh, { kind: "same", earlier: 1 }),
      );
      expect(events).toEqual(["ADD", "SAME"]);
      expect(
        await db.query("SELECT content, seen_count, cardinality(source_message_ids) AS sources FROM public.memories"),
      ).toEqual([{ content: "Я люблю чай", seen_count: 2, sources: 2 }]);
    });

    test("what a model calls an event and lets another take the place of is a state", async () => {
      await say([on("01-10", "Переехал в Казань"), on("03-05", "Переехал в Москву")], (request) =>
        related(fresh, replaces(1))(request).map((fact) => ({ ...fact, type: "interaction" })),
      );
      expect(await contents()).toEqual(["Переехал в Москву"]);
    });

    test("what comes in another order than it was said ends when the next began", async () => {
      await say([on("03-05", "Я живу в Москве"), on("01-10", "Я живу в Казани")], related(fresh, replaces(1)));
      expect(await lives()).toEqual([
        { content: "Я живу в Казани", from: "2026-01-10", to: "2026-03-05" },
        { content: "Я живу в Москве", from: "2026-03-05", to: null },
      ]);
    });
  });
});
