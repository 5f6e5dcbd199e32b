import { beforeEach, describe, expect, test } from "@jest/globals";
import { DEFAULT_PROJECT_ID, MemoryError } from "@engram/memory";
import { createMemoryStore } from "../src/index.ts";
import { describeOnDatabases } from "./databases.ts";
import { draft } from "./draft.ts";

const projectId = DEFAULT_PROJECT_ID;
const actor = { requestId: "req-1", name: "tester" };

describeOnDatabases("lifetime", (db) => {
  const store = createMemoryStore(db);
  beforeEach(() =>
    db.script(
      "TRUNCATE public.memories; DELETE FROM engram.history; DELETE FROM engram.outbox; DELETE FROM engram.messages",
    ),
  );

  const putOne = async (given: Parameters<typeof draft>[0]) => {
    const [result] = await store.putMemories([draft(given)]);
    if (result === undefined) throw new Error("nothing was put");
    return result.memory.id;
  };
  const standing = async () =>
    (
      await db.query<{ content: string }>("SELECT content FROM public.memories WHERE valid_to IS NULL ORDER BY content")
    ).map((row) => row.content);
  const age = (where: string, interval: string) =>
    db.script(`UPDATE public.memories SET last_seen_at = now() - interval '${interval}' WHERE ${where}`);

  describe("restore", () => {
    test("the retired state of a slot takes its place back, and that can be undone too", async () => {
      const dark = await putOne({ content: "тёмная", key: "theme" });
      const light = await putOne({ content: "светлая", key: "theme" });
      const restored = await store.restoreMemory(projectId, dark, actor);
      expect(restored).toMatchObject({ id: dark, validTo: null, supersededBy: null });
      expect(await standing()).toEqual(["тёмная"]);
      await store.restoreMemory(projectId, light, actor);
      expect(await standing()).toEqual(["светлая"]);
      expect((await store.getHistory(projectId, dark))?.map((line) => line.event)).toEqual([
        "superseded",
        "restored",
        "superseded",
        "created",
      ]);
    });

    test("what took the place of a fact without a slot ends as if it had never begun", async () => {
      const kazan = await putOne({ content: "Живёт в Казани" });
      const moscow = await putOne({ content: "Живёт в Москве" });
      await db.script(`UPDATE public.memories SET valid_to = now(), superseded_by = '${moscow}' WHERE id = '${kazan}'`);
      await store.restoreMemory(projectId, kazan, actor);
      expect(await standing()).toEqual(["Живёт в Казани"]);
      expect(
        await db.query(
          `SELECT valid_to = valid_from AS never, superseded_by FROM public.memories WHERE id = '${moscow}'`,
        ),
      ).toEqual([{ never: true, superseded_by: kazan }]);
    });

    test("one that stands stays as it is, an absent or foreign one is absent", async () => {
      const id = await putOne({ content: "раз" });
      const [before] = await db.query("SELECT version FROM public.memories");
      expect(await store.restoreMemory(projectId, id, actor)).toMatchObject({ id, validTo: null });
      expect(await db.query("SELECT version FROM public.memories")).toEqual([before]);
      expect(await store.restoreMemory("00000000-0000-7000-8000-00000000000f", id, actor)).toBeUndefined();
      expect(await store.restoreMemory(projectId, "00000000-0000-7000-8000-00000000000f", actor)).toBeUndefined();
    });

    test("a text that stands in another memory is a conflict with its id", async () => {
      const first = await putOne({ content: "раз" });
      await db.script(`UPDATE public.memories SET valid_to = now() WHERE id = '${first}'`);
      const second = await putOne({ content: "раз" });
      const error: unknown = await store.restoreMemory(projectId, first, actor).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(MemoryError);
      expect(error).toMatchObject({ code: "conflict", details: [{ id: second }] });
      expect(await standing()).toEqual(["раз"]);
    });

    test("restores and newer states at once leave one that stands", async () => {
      const ids = [];
      for (const content of ["a", "b", "c"]) ids.push(await putOne({ content, key: "theme" }));
      await Promise.all(
        [
          ...ids.map((id) => store.restoreMemory(projectId, id, actor)),
          ...["d", "e"].map((content) => store.putMemories([draft({ content, key: "theme" })])),
        ].map((work) =>
          Promise.resolve(work).catch((error: unknown) => expect(error).toMatchObject({ code: "conflict" })),
        ),
      );
      expect(await standing()).toHaveLength(1);
    });
  });

  describe("sessions", () => {
    test("an idle session's own memories go, and nothing else of it", async () => {
      await putOne({ content: "ищет билеты", level: "session", sessionId: "s" });
      await putOne({ content: "любит окно", level: "user", sessionId: "s" });
      await putOne({ content: "живая", level: "session", sessionId: "t" });
      await age("session_id = 's'", "2 hours");
      expect(await store.sweepSessions(3_600)).toEqual({ deleted: 1, more: false });
      expect(await standing()).toEqual(["живая", "любит окно"]);
    });

    test("a session in which anything was told or said lately is not idle", async () => {
      await putOne({ content: "старое", level: "session", sessionId: "s" });
      await age("true", "2 hours");
      await putOne({ content: "новое", level: "session", sessionId: "s" });
      expect((await store.sweepSessions(3_600)).deleted).toBe(0);
      await age("true", "2 hours");
      await db.script(`INSERT INTO engram.messages (id, project_id, user_id, session_id, owner, event_id, role, content, said_at, text_hash, sameness, due_at, extracted_at)
        VALUES (gen_random_uuid(), '${projectId}', 'u', 's', gen_random_uuid(), gen_random_uuid(), 'user', 'да', now(), gen_random_uuid(), gen_random_uuid(), now(), now())`);
      expect((await store.sweepSessions(3_600)).deleted).toBe(0);
      await db.script("DELETE FROM engram.messages");
      expect((await store.sweepSessions(3_600)).deleted).toBe(2);
    });
  });

  describe("retention", () => {
    const rules = { days: 365, daysByType: { interaction: 30 }, daysByLevel: { agent: 100 } };
    beforeEach(async () => {
      await putOne({ content: "старый факт" });
      await putOne({ content: "старое событие", type: "interaction" });
      await putOne({ content: "агента", level: "agent", agentId: "a" });
      await age("true", "200 days");
      await putOne({ content: "новое" });
    });

    test("the rule of a type wins over the level's, and that over all; the preview tells what would go", async () => {
      expect(await store.previewRetention(projectId, rules)).toMatchObject([
        { type: "fact", level: "agent", memories: 1, oldest: expect.any(Date) },
        { type: "interaction", level: "user", memories: 1 },
      ]);
      expect(await standing()).toHaveLength(4);
      expect(await store.sweepRetention(rules)).toEqual({ deleted: 2, more: false });
      expect(await standing()).toEqual(["новое", "старый факт"]);
    });

    test("without a rule nothing goes", async () => {
      const none = { days: undefined, daysByType: {}, daysByLevel: {} };
      expect(await store.previewRetention(projectId, none)).toEqual([]);
      expect((await store.sweepRetention(none)).deleted).toBe(0);
    });
  });
});
