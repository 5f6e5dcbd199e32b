// Calls of add that come at the same moment: several of them in one statement, and each as if it had come alone.
import { beforeEach, describe, expect, test } from "@jest/globals";
import { isKeyTaken, type AddEvent, type MessageDraft } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { createConversations } from "../src/index.ts";
import { describeOnDatabases } from "./databases.ts";
import { addOf, said, type Given } from "./add-call.ts";

type Turns = readonly (string | Partial<MessageDraft>)[];

const digest = (name: string): string => Buffer.from(name.padEnd(32)).toString("hex");
const keyed = (key: string): Given => ({ keyed: { key: digest(key), request: digest("request") } });
const users = (n: number): readonly string[] => Array.from({ length: n }, (_, i) => `u${i}`);

describeOnDatabases("calls of add at once", (db) => {
  let statements = 0;
  const counting: Executor = {
    ...db,
    query: (text, values) => {
      if (text.includes("INTO engram.events")) statements += 1;
      return db.query(text, values);
    },
  };
  /** What one process has of it. */
  const startProcess = () => {
    const conversations = createConversations(counting, { debounceMs: 0 });
    return (userId: string, turns: Turns, given: Given = {}): Promise<AddEvent> =>
      conversations.add(addOf(said(...turns), { userId, ...given }));
  };
  let add = startProcess();
  beforeEach(async () => {
    add = startProcess();
    await db.script(
      "TRUNCATE public.memories; DELETE FROM engram.outbox; DELETE FROM engram.messages; DELETE FROM engram.events; DELETE FROM engram.idempotency",
    );
    statements = 0;
  });

  const kept = () =>
    db.query<{ user_id: string; contents: readonly string[] }>(
      `SELECT e.user_id, array_agg(m.content ORDER BY m.id) AS contents FROM engram.events e JOIN engram.messages m ON m.id = ANY (e.message_ids)
       GROUP BY e.id ORDER BY e.user_id, e.id`,
    );

  test("share a statement, and each has its own event, messages and work", async () => {
    const events = await Promise.all(
      users(40).map((user) => add(user, [`Моё имя ${user}, и я тут`, { role: "assistant", content: "Хорошо" }])),
    );
    expect(statements).toBe(1);
    expect(events.map(({ status }) => status)).toEqual(users(40).map(() => "queued"));
    expect(await kept()).toEqual(
      users(40)
        .toSorted()
        .map((user) => ({ user_id: user, contents: [`Моё имя ${user}, и я тут`, "Хорошо"] })),
    );
    expect(await db.query("SELECT count(*)::int AS n FROM engram.outbox WHERE topic = 'extract'")).toEqual([{ n: 40 }]);
  });

  test.each(["s", null])(
    "of one owner go one after another, so that a short answer follows what was said before it (session %s)",
    async (sessionId) => {
      const tea = { role: "assistant", content: "Любите ли вы чай с молоком?" } as const;
      const coffee = { role: "assistant", content: "Любите ли вы кофе без сахара?" } as const;
      const say = (...turns: Turns) => add("u", turns, { sessionId });
      await Promise.all([say(tea), say("да"), say(coffee)]);
      expect(statements).toBe(3);
      await say("да");
      expect((await kept()).flatMap((event) => event.contents)).toEqual([tea.content, "да", coffee.content, "да"]);
      // As a history all of it is known, each answer by what it followed.
      await say(tea, "да");
      await say(coffee, "да");
      expect(await db.query("SELECT count(*)::int AS n FROM engram.messages")).toEqual([{ n: 4 }]);
    },
  );

  test("one that is known beside others that are new", async () => {
    await add("u0", ["Меня зовут Антон, я программист"]);
    await db.script("UPDATE engram.messages SET extracted_at = now()");
    const events = await Promise.all(users(3).map((user) => add(user, ["Меня зовут Антон, я программист"])));
    expect(events.map(({ status }) => status)).toEqual(["done", "queued", "queued"]);
    expect(await db.query("SELECT count(*)::int AS n FROM engram.messages")).toEqual([{ n: 3 }]);
  });

  test("told twice in one call it is kept once", async () => {
    await add("u", ["Я теперь живу в Казани", "Я теперь живу в Казани", "да", "да"]);
    expect(await kept()).toEqual([{ user_id: "u", contents: ["Я теперь живу в Казани", "да", "да"] }]);
  });

  test("of twenty processes with the same message, keep it once", async () => {
    const processes = users(20).map(() => startProcess());
    const events = await Promise.all(processes.map((from) => from("u", ["Меня зовут Мария, и я врач в Самаре"])));
    expect(new Set(events.map(({ id }) => id)).size).toBe(20);
    expect(await db.query("SELECT count(*)::int AS n FROM engram.messages")).toEqual([{ n: 1 }]);
    expect(await kept()).toHaveLength(20);
  });

  describe("with an Idempotency-Key", () => {
    test("keep their answers", async () => {
      const events = await Promise.all(users(3).map((user) => add(user, ["Я люблю рыбалку на Волге"], keyed(user))));
      expect(statements).toBe(1);
      const answers = await db.query(
        "SELECT user_id, project_id IS NOT NULL AS of_project, result -> 'value' AS value FROM engram.idempotency ORDER BY user_id",
      );
      expect(answers).toEqual(
        events.map(({ id }, i) => ({
          user_id: `u${i}`,
          of_project: true,
          value: { eventId: id, status: "queued" },
        })),
      );
    });

    test("one whose key is taken fails alone, and nothing of it is kept", async () => {
      await add("other", ["Я люблю рыбалку на Волге"], keyed("u1"));
      const settled = await Promise.allSettled(
        users(3).map((user) => add(user, ["Я люблю рыбалку на Волге"], keyed(user))),
      );
      expect(settled.map((one) => (one.status === "rejected" ? isKeyTaken(one.reason) : one.value.status))).toEqual([
        "queued",
        true,
        "queued",
      ]);
      expect((await kept()).map((event) => event.user_id)).toEqual(["other", "u0", "u2"]);
    });
  });
});
