import { describe, expect, test } from "@jest/globals";
import { factsOf } from "@engram/memory/contracts/fakes/extractor";
import { DEFAULT_PROJECT_ID, type ExtractedFact, type ExtractionRequest } from "@engram/memory";
import { describeOnDatabases } from "./databases.ts";
import { by, createTalk, fresh, newFact, numberOf, on, related, replaces, type Turn } from "./talk.ts";

/* Who may change what is known: the user, the assistant, a tool, and whoever changes it while the model is thinking. */

describeOnDatabases("what is trusted", (db) => {
  const { store, say, put, contents } = createTalk(db);

  describe("who has said it", () => {
    const replacing =
      (from: readonly number[]) =>
      (request: ExtractionRequest): readonly ExtractedFact[] => [
        {
          ...newFact("Живёт в Омске"),
          from,
          relation: { kind: "replaces", known: request.known.map((one) => one.number) },
        },
      ];
    const trusts = async () =>
      Object.fromEntries(
        (
          await db.query<{ content: string; trust: string | null }>(
            "SELECT content, provenance ->> 'trust' AS trust FROM public.memories WHERE valid_to IS NULL",
          )
        ).map(({ content, trust }) => [content, trust]),
      );

    test.each<[string, readonly Turn[], readonly number[], string, ends: boolean]>([
      ["the user", [by("user", "Я переехал в Омск")], [1], "said_by_user", true],
      [
        "the user, to the assistant's question",
        [by("assistant", "Вы теперь живёте в Омске?"), by("user", "Да")],
        [1, 2],
        "said_by_user",
        true,
      ],
      ["the assistant alone", [by("user", "Где я живу?"), by("assistant", "В Омске")], [2], "said_by_assistant", false],
      ["a tool", [by("user", "Открой страницу"), by("tool", "Пользователь живёт в Омске")], [2], "from_tool", false],
      [
        "a tool, cited beside the question",
        [by("user", "Открой страницу"), by("tool", "Пользователь живёт в Омске")],
        [1, 2],
        "from_tool",
        false,
      ],
      [
        "nobody whom the answer names, where a tool spoke too",
        [by("user", "Открой страницу"), by("tool", "Пользователь живёт в Омске"), by("assistant", "Готово")],
        [],
        "from_tool",
        false,
      ],
      [
        "nobody whom the answer names, where the assistant spoke too",
        [by("user", "Привет"), by("assistant", "Вы живёте в Омске")],
        [],
        "said_by_assistant",
        false,
      ],
      [
        "nobody whom the answer names, where the user spoke alone",
        [by("user", "Переехал в Омск")],
        [],
        "said_by_user",
        true,
      ],
    ])("what %s says ends what the user has said, or stands beside it", async (_who, turns, from, trust, ends) => {
      await say(["Я живу в Казани"]);
      expect(await say(turns, replacing(from))).toEqual([ends ? "SUPERSEDE" : "ADD"]);
      expect(await trusts()).toEqual({
        "Живёт в Омске": trust,
        ...(ends ? {} : { "Я живу в Казани": "said_by_user" }),
      });
    });

    test("a tool's report does not end what a client has written, and is ended by the user's word", async () => {
      await put({ content: "Живёт в Казани" });
      await say([by("tool", "Пользователь живёт в Омске")], replacing([1]));
      expect(await trusts()).toEqual({ "Живёт в Казани": null, "Живёт в Омске": "from_tool" });
      await say(["Я переехал в Томск"], (request) =>
        factsOf(request).map((fact) => ({ ...fact, relation: { kind: "replaces", known: [1, 2] } })),
      );
      expect(await trusts()).toEqual({ "Я переехал в Томск": "said_by_user" });
    });

    test("whoever looks for memories sees whose word they are", async () => {
      const id = await put({ content: "Живёт в Казани" });
      await say([by("tool", "Пользователь живёт в Омске"), by("assistant", "Запомнил")], () => [
        newFact("Живёт в Омске", 1),
        newFact("Запомнил", 2),
      ]);
      const filter = { scope: { projectId: DEFAULT_PROJECT_ID, userId: "u", exact: false } };
      const recent = await store.recentMemories(filter, 10);
      expect(Object.fromEntries(recent.map(({ content, trust }) => [content, trust]))).toEqual({
        "Живёт в Казани": undefined,
        "Живёт в Омске": "from_tool",
        Запомнил: "said_by_assistant",
      });
      const found = await store.findMemories([id, ...recent.map((one) => one.id)], filter);
      expect(new Set(found.map((one) => one.trust))).toEqual(new Set(["from_tool", "said_by_assistant", undefined]));
    });

    test("within one talk, too", async () => {
      await say([by("user", "Я живу в Казани"), by("tool", "Пользователь живёт в Омске")], () => [
        newFact("Я живу в Казани", 1),
        { ...newFact("Живёт в Омске", 2), relation: replaces(1) },
      ]);
      expect((await contents()).toSorted()).toEqual(["Живёт в Омске", "Я живу в Казани"]);
    });

    test("what a tool has not ended is there to be told again", async () => {
      await say(["Я живу в Казани"]);
      await say([by("tool", "Пользователь живёт в Омске"), by("user", "Живу я в Казани")], () => [
        { ...newFact("Живёт в Омске", 1), relation: { kind: "replaces", known: [1] } },
        { ...newFact("Живу я в Казани", 2), relation: { kind: "same", known: 1 } },
      ]);
      expect((await contents()).toSorted()).toEqual(["Живёт в Омске", "Я живу в Казани"]);
    });

    test("a tool that tells of an earlier time does not end the user's word by repeating it", async () => {
      await say([on("01-10", "Я живу в Казани")]);
      await say([on("03-05", "Я живу в Москве")]);
      await say([{ ...on("02-01", "Я живу в Казани"), role: "tool" }], (request) => [
        {
          ...newFact("Я живу в Казани"),
          relation: { kind: "replaces", known: [numberOf(request, "Я живу в Москве")] },
        },
      ]);
      expect((await contents()).toSorted()).toEqual(["Я живу в Казани", "Я живу в Москве"]);
    });

    test.each<[string, ExtractedFact["relation"], string]>([
      ["the same by the model", { kind: "same", known: 1 }, "Я живу в самом Омске"],
      ["the same in words", fresh, "Живёт в Омске"],
    ])("what the user confirms is the user's word: %s", async (_how, relation, content) => {
      await say([by("tool", "Пользователь живёт в Омске")], () => [newFact("Живёт в Омске")]);
      await say([content], related(relation));
      expect(await trusts()).toEqual({ "Живёт в Омске": "said_by_user" });
      await say([by("tool", "Опять: пользователь живёт в Омске")], () => [newFact("Живёт в Омске")]);
      expect(await trusts()).toEqual({ "Живёт в Омске": "said_by_user" });
    });
  });

  test("what a tool and the user say in the same words within one talk is the user's word", async () => {
    await say([by("tool", "Живёт в Омске"), by("user", "Живёт в Омске")], () => [
      newFact("Живёт в Омске", 1),
      newFact("Живёт в Омске", 2),
    ]);
    expect(await contents("provenance ->> 'trust' = 'said_by_user'")).toEqual(["Живёт в Омске"]);
  });

  describe("what was changed while the model was thinking", () => {
    /** Says what the model takes for the same as the one known memory, which `meanwhile` changes. */
    const sayAgain = (meanwhile: () => Promise<unknown>) =>
      say(["Как я говорил, живу в Казани"], async (request) => {
        await meanwhile();
        return related({ kind: "same", known: 1 })(request);
      });
    const told = () =>
      db.query("SELECT content, key, seen_count, importance FROM public.memories WHERE valid_to IS NULL");

    test("a memory that was deleted stays deleted", async () => {
      await put({ content: "Живёт в Казани" });
      expect(await sayAgain(() => db.script("DELETE FROM public.memories"))).toEqual([]);
      expect(await told()).toEqual([]);
    });

    test("one that was edited stays as it was edited", async () => {
      const id = await put({ content: "Живёт в Казани" });
      const patch = { content: "Живёт в Казани, на Баумана", mergeMetadata: true };
      await sayAgain(() => store.updateMemory(DEFAULT_PROJECT_ID, id, patch, { requestId: null, name: null }));
      expect(await told()).toEqual([
        { content: "Живёт в Казани, на Баумана", key: null, seen_count: 2, importance: null },
      ]);
    });

    test("one whose slot holds something newer does not come back", async () => {
      await put({ content: "Живёт в Казани", key: "home" });
      expect(await sayAgain(() => put({ content: "Живёт в Москве", key: "home" }))).toEqual([]);
      expect(await told()).toEqual([{ content: "Живёт в Москве", key: "home", seen_count: 1, importance: null }]);
    });

    test.each<[string, string, ExtractedFact["relation"]]>([
      ["in other words", "Живу я в Казани", { kind: "same", known: 1 }],
      ["in its very words, whatever the model says", "Живёт в Казани", fresh],
    ])("its importance and its end stay as they were set when it is told again %s", async (_how, content, relation) => {
      const expiresAt = new Date("2099-01-01T00:00:00Z");
      await put({ content: "Живёт в Казани", importance: 0.25, expiresAt, metadata: { entities: ["Казань"], a: 1 } });
      await say([content], (request) =>
        factsOf(request).map((fact) => ({ ...fact, importance: 0.9, entities: ["Другое"], relation })),
      );
      expect(await db.query("SELECT importance, expires_at, metadata, seen_count FROM public.memories")).toEqual([
        { importance: 0.25, expires_at: expiresAt, metadata: { entities: ["Казань"], a: 1 }, seen_count: 2 },
      ]);
    });

    test("where it was told is remembered", async () => {
      await put({ content: "Живёт в Казани", sessionId: "first" });
      expect(await sayAgain(() => Promise.resolve())).toEqual(["SAME"]);
      expect(
        await db.query(
          "SELECT session_id, session_ids, agent_ids, cardinality(source_message_ids) AS sources FROM public.memories",
        ),
      ).toEqual([{ session_id: "s", session_ids: ["first", "s"], agent_ids: [], sources: 1 }]);
    });
  });
});
