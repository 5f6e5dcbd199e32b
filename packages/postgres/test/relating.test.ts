import { describe, expect, test } from "@jest/globals";
import { factsOf } from "@engram/memory/contracts/fakes/extractor";
import { DEFAULT_PROJECT_ID, uuidv7, type ExtractionRequest, type MemoryDraft, type Speaker } from "@engram/memory";
import { describeOnDatabases } from "./databases.ts";
import { draft } from "./draft.ts";
import { createTalk, fresh, numberOf, on, options, related, replaces } from "./talk.ts";

/* How what is said relates to what is known: whose memories are shown, and when each begins and ends. */

describeOnDatabases("what is said and what is known", (db) => {
  const { store, outbox, extractions, add, say, put, contents, times, shown } = createTalk(db);

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

    test.each<[string, Partial<Speaker>, readonly (keyof typeof owners)[]]>([
      ["a user", { userId: "u" }, ["the user's own", "told to the user's by the agent"]],
      ["a user with an agent", { userId: "u", agentId: "a" }, ["the user's own", "told to the user's by the agent"]],
      ["an agent by itself", { userId: null, agentId: "a" }, ["the agent's, of all its users"]],
      ["an agent in a session", { userId: null, agentId: "a", sessionId: "s" }, ["the agent's, of all its users"]],
      ["an agent that is named like a user", { userId: null, agentId: "u" }, []],
    ])("to the talk of %s: those of whom its memories will be", async (_whose, whose, expected) => {
      await everything();
      await say(["Скажи мне пароль от сейфа"], undefined, { whose });
      expect(shown().toSorted()).toEqual(expected.map((one) => `Пароль от сейфа: ${one}`).toSorted());
    });

    test("an agent's talk does not tell all its users what one of them has told it", async () => {
      await everything();
      const same = (request: ExtractionRequest) =>
        factsOf(request).map((fact) => ({ ...fact, relation: { kind: "same", known: 1 } as const }));
      await say(["Какой у нас пароль от сейфа?"], same, { whose: { userId: null, agentId: "a" } });
      const shared = await store.findMemories(
        (await db.query<{ id: string }>("SELECT id FROM public.memories")).map((row) => row.id),
        { scope: { projectId: DEFAULT_PROJECT_ID, userId: "attacker", agentId: "a", exact: false } },
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
    test("what is said later replaces what was said before, and time remembers both", async () => {
      const events = await say(
        [on("01-10", "Я живу в Казани"), on("03-05", "Я переехал в Москву")],
        related(fresh, replaces(1)),
      );
      expect(events).toEqual(["ADD", "SUPERSEDE"]);
      expect(await times()).toEqual([
        { content: "Я живу в Казани", from: "2026-01-10", to: "2026-03-05" },
        { content: "Я переехал в Москву", from: "2026-03-05", to: null },
      ]);
      const scope = { projectId: DEFAULT_PROJECT_ID, userId: "u", exact: false } as const;
      const then = await store.recentMemories({ scope, asOf: new Date("2026-02-01T10:00:00Z") }, 10);
      expect(then.map((one) => one.content)).toEqual(["Я живу в Казани"]);
    });

    test("there and back again", async () => {
      await say(
        [on("01-10", "Я живу в Казани"), on("03-05", "Я живу в Москве"), on("06-01", "Я живу в Казани")],
        related(fresh, replaces(1), replaces(2)),
      );
      expect(await times()).toEqual([
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
      expect(await times()).toEqual([
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

    test("what a model calls an event and lets another take the place of is a state; another event stays one", async () => {
      const events = related(fresh, replaces(1), fresh, { kind: "same", earlier: 3 });
      await say(
        [on("01-10", "Переехал в Казань"), on("03-05", "Переехал в Москву"), "Был в театре", "Ходил в театр"],
        (request) => events(request).map((fact) => ({ ...fact, type: "interaction" })),
      );
      expect(await contents("valid_to IS NULL AND type = 'fact'")).toEqual(["Переехал в Москву"]);
      expect(await contents("valid_to IS NOT NULL AND type = 'fact'")).toEqual(["Переехал в Казань"]);
      expect(await contents("type = 'interaction'")).toEqual(["Был в театре"]);
    });

    test("what comes in another order than it was said ends when the next began", async () => {
      await say([on("03-05", "Я живу в Москве"), on("01-10", "Я живу в Казани")], related(fresh, replaces(1)));
      expect(await times()).toEqual([
        { content: "Я живу в Казани", from: "2026-01-10", to: "2026-03-05" },
        { content: "Я живу в Москве", from: "2026-03-05", to: null },
      ]);
    });
  });

  describe("when it was said", () => {
    test("what is told anew ends what contradicts it since then, not since it was told first", async () => {
      await say([on("01-10", "Я живу в Казани")]);
      await say([on("03-05", "Я живу в Москве")]);
      await say([on("06-01", "Я живу в Казани")], (request) =>
        related({ kind: "replaces", known: [numberOf(request, "Я живу в Москве")] })(request),
      );
      expect(await times()).toEqual([
        { content: "Я живу в Казани", from: "2026-01-10", to: null },
        { content: "Я живу в Москве", from: "2026-03-05", to: "2026-06-01" },
      ]);
    });

    test("talk that comes late finds its place among what has ended, in any order", async () => {
      const homes = ["Казани", "Самаре", "Омске", "Томске", "Москве"];
      const days = ["01-10", "02-10", "03-10", "04-10", "05-10"];
      for (const n of [4, 0, 2, 1, 3])
        await say([on(days[n] ?? "", `Я живу в ${homes[n]}`)], (request) =>
          related(request.known.length === 0 ? fresh : { kind: "replaces", known: [1] })(request),
        );
      expect(await times()).toEqual(
        homes.map((home, n) => ({
          content: `Я живу в ${home}`,
          from: `2026-${days[n]}`,
          to: days[n + 1] === undefined ? null : `2026-${days[n + 1]}`,
        })),
      );
    });

    test("late talk that changes its mind, too", async () => {
      await say([on("05-10", "Я живу в Москве")]);
      await say(
        [on("01-10", "Я живу в Казани"), on("03-10", "Я живу в Омске")],
        related({ kind: "replaces", known: [1] }, replaces(1)),
      );
      expect(await times()).toEqual([
        { content: "Я живу в Казани", from: "2026-01-10", to: "2026-03-10" },
        { content: "Я живу в Омске", from: "2026-03-10", to: "2026-05-10" },
        { content: "Я живу в Москве", from: "2026-05-10", to: null },
      ]);
    });

    test("two that have taken one's place together both stand", async () => {
      await say([on("01-10", "Я живу и работаю в Казани")]);
      await say(
        [on("03-05", "Я живу в Москве"), on("03-06", "Я работаю в Твери")],
        related({ kind: "replaces", known: [1] }, { kind: "replaces", known: [1] }),
      );
      expect(await contents()).toEqual(["Я живу в Москве", "Я работаю в Твери"]);
    });
  });
});
