import { beforeEach, expect, test } from "@jest/globals";
import { DEFAULT_PROJECT_ID, type Actor, type MemoryFilter } from "@engram/memory";
import { createMemoryStore, migrate } from "../src/index.ts";
import { describeOnDatabases } from "./databases.ts";
import { draft } from "./draft.ts";

const actor: Actor = { requestId: "req-1", name: "tester" };
const projectId = DEFAULT_PROJECT_ID;
const mine: MemoryFilter = { scope: { projectId, userId: "u", exact: true } };

describeOnDatabases("memories", (db) => {
  const store = createMemoryStore(db);
  beforeEach(() => db.script("TRUNCATE public.memories; DELETE FROM engram.history; DELETE FROM engram.outbox"));

  const count = async (sql: string): Promise<number> =>
    (await db.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${sql}`))[0]?.n ?? -1;
  const put = async (...drafts: Parameters<typeof draft>[0][]) => store.putMemories(drafts.map((one) => draft(one)));
  const putOne = async (given: Parameters<typeof draft>[0] = {}) => {
    const [result] = await put(given);
    if (result === undefined) throw new Error("no result");
    return result;
  };

  test("migrating again runs nothing", async () => {
    expect(await migrate(db)).toEqual([]);
  });

  test("a put is read back as it was given", async () => {
    const { memory, created } = await putOne({
      importance: 0.8,
      categories: ["город"],
      metadata: { source: { a: [1, "ё"] } },
      sessionId: "s",
      agentId: "a",
    });
    expect(created).toBe(true);
    expect(memory).toMatchObject({
      importance: 0.8,
      categories: ["город"],
      metadata: { source: { a: [1, "ё"] } },
      sessionId: "s",
      agentId: "a",
      seenCount: 1,
      indexStatus: "pending",
    });
    expect(await store.getMemory(projectId, memory.id)).toEqual(memory);
  });

  test("equal states merge: one row, told twice, newer metadata over older", async () => {
    const first = await putOne({ metadata: { a: 1, b: 1 }, sessionId: "s1" });
    const second = await putOne({ metadata: { b: 2 }, sessionId: "s2" });
    expect(second).toMatchObject({
      created: false,
      memory: { id: first.memory.id, seenCount: 2, metadata: { a: 1, b: 2 }, sessionId: "s2" },
    });
    expect(await db.query("SELECT session_ids FROM public.memories")).toEqual([{ session_ids: ["s1", "s2"] }]);
  });

  test("being told again changes neither version nor updated_at, and asks for no work", async () => {
    const first = await putOne();
    await db.script("DELETE FROM engram.outbox");
    const second = await putOne();
    expect(second.memory).toMatchObject({
      version: first.memory.version,
      updatedAt: first.memory.updatedAt,
      indexStatus: "indexed",
    });
    expect(await count("engram.outbox")).toBe(0);
  });

  test("equal drafts of one group fold into one row, and each gets its answer", async () => {
    const results = await put({}, {}, { content: "другое" }, {});
    expect(results.map((one) => one.created)).toEqual([true, false, true, false]);
    expect(new Set(results.map((one) => one.memory.id)).size).toBe(2);
    expect(results[3]?.memory.seenCount).toBe(3);
  });

  test("events are all kept", async () => {
    const results = await put({ type: "interaction" }, { type: "interaction" });
    expect(new Set(results.map((one) => one.memory.id)).size).toBe(2);
  });

  test("a lasting write revives an expired twin, and never dies with a TTL twin", async () => {
    const { memory } = await putOne({ expiresAt: new Date(Date.now() - 1000) });
    expect(await store.getMemory(projectId, memory.id)).toBeUndefined();
    await putOne();
    expect(await store.getMemory(projectId, memory.id)).toMatchObject({ expiresAt: null });
  });

  test("a newer state of a slot retires the older one, which its history shows", async () => {
    const dark = await putOne({ key: "theme", content: "тёмная" });
    const light = await putOne({ key: "theme", content: "светлая" });
    const page = await store.listMemories({ filter: mine, sort: "-created_at", limit: 10, offset: 0 });
    expect(page.memories.map((one) => one.id)).toEqual([light.memory.id]);
    expect(await store.getMemory(projectId, dark.memory.id)).toMatchObject({
      supersededBy: light.memory.id,
      validTo: expect.any(Date),
    });
    expect((await store.getHistory(projectId, dark.memory.id))?.map((one) => one.event)).toEqual([
      "superseded",
      "created",
    ]);
  });

  test("clients that race for one slot leave exactly one live row", async () => {
    const { putRacing } = await import("@engram/memory");
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => putRacing(store, [draft({ key: "theme", content: `тема ${i % 8}` })])),
    );
    expect(await count("public.memories WHERE slot_key IS NOT NULL")).toBe(1);
  });

  test("a slot that is taken takes no second live row, whoever writes; a retired one leaves it free", async () => {
    const insert = (content: string) =>
      db.query("INSERT INTO memories (user_id, key, content) VALUES ('u', 'theme', $1) RETURNING id", [content]);
    await insert("тёмная");
    await expect(insert("светлая")).rejects.toMatchObject({ code: "conflict" });
    expect(await count("public.memories WHERE slot_key IS NOT NULL")).toBe(1);
    await db.script("UPDATE memories SET valid_to = now()");
    await insert("светлая");
    expect(await count("public.memories WHERE slot_key IS NOT NULL")).toBe(1);
  });

  test("an update counts a version, keeps the old one, and says who did it", async () => {
    const { memory } = await putOne({ metadata: { a: 1 } });
    const changed = await store.updateMemory(
      projectId,
      memory.id,
      { content: "новое", metadata: { b: 2 }, mergeMetadata: true },
      actor,
    );
    expect(changed).toMatchObject({ content: "новое", metadata: { a: 1, b: 2 }, indexStatus: "pending" });
    expect(changed?.version).toBeGreaterThan(memory.version);
    const history = await store.getHistory(projectId, memory.id);
    expect(history).toMatchObject([
      { event: "updated", actor: "tester", requestId: "req-1", memory: { content: "новое" } },
      { event: "created", memory: { content: memory.content, createdAt: memory.createdAt } },
    ]);
  });

  test("an update into a text that stands is a conflict that names the twin", async () => {
    const [a, b] = await put({ content: "раз" }, { content: "два" });
    const update = store.updateMemory(projectId, b?.memory.id ?? "", { content: "раз", mergeMetadata: false }, actor);
    await expect(update).rejects.toMatchObject({ code: "conflict", details: [{ id: a?.memory.id }] });
  });

  test("deleting blanks every version of the history and leaves a line without content", async () => {
    const { memory } = await putOne();
    await store.updateMemory(projectId, memory.id, { content: "канарейка", mergeMetadata: false }, actor);
    expect(await store.deleteMemory(projectId, memory.id, actor)).toBe(true);
    expect(await store.deleteMemory(projectId, memory.id, actor)).toBe(false);
    expect(await store.getHistory(projectId, memory.id)).toBeUndefined();
    expect(await db.query("SELECT event, actor, snapshot FROM engram.history ORDER BY version DESC LIMIT 1")).toEqual([
      { event: "deleted", actor: "tester", snapshot: null },
    ]);
    expect(await count("engram.history WHERE snapshot IS NOT NULL")).toBe(0);
  });

  test("raw SQL goes through the same door", async () => {
    await db.script(`INSERT INTO memories (user_id, content, session_id) VALUES ('raw', 'из psql', 's');
      UPDATE memories SET content = 'исправлено' WHERE user_id = 'raw'`);
    expect(await count("engram.outbox")).toBe(1);
    expect(await count("engram.history")).toBe(1);
    expect(await db.query("SELECT session_ids FROM memories")).toEqual([{ session_ids: ["s"] }]);
    await db.script("DELETE FROM engram.outbox; DELETE FROM memories WHERE user_id = 'raw'");
    expect(await count("engram.outbox")).toBe(1);
    expect(await count("engram.history WHERE snapshot IS NOT NULL")).toBe(0);
  });

  test("TRUNCATE leaves a work row for every memory and none of their content", async () => {
    await put({ content: "раз" }, { content: "два" });
    await db.script("DELETE FROM engram.outbox; TRUNCATE memories");
    expect(await count("engram.outbox")).toBe(2);
    expect(await count("engram.history WHERE event = 'deleted'")).toBe(2);
  });

  test("a statement of more than 64 rows is bulk", async () => {
    await db.script("INSERT INTO memories (user_id, content) SELECT 'u', 'факт ' || n FROM generate_series(1, 65) n");
    expect(await count("engram.outbox WHERE lane = 1")).toBe(65);
    await db.script("DELETE FROM engram.outbox; DELETE FROM memories WHERE content < 'факт 7'");
    expect(await count("engram.outbox WHERE lane = 0")).toBeGreaterThan(0);
  });

  test("pages walk through everything once, whatever the sort", async () => {
    await put(
      ...Array.from({ length: 25 }, (_, i) => ({ content: `факт ${i}`, importance: i % 3 === 0 ? null : (i % 3) / 3 })),
    );
    for (const sort of ["created_at", "-created_at", "importance", "updated_at"] as const) {
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page = await store.listMemories({
          filter: mine,
          sort,
          limit: 10,
          offset: 0,
          ...(cursor === null ? {} : { cursor }),
        });
        expect(page.total).toBe(25);
        seen.push(...page.memories.map((one) => one.id));
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(seen).toHaveLength(25);
      expect(new Set(seen).size).toBe(25);
    }
  });

  test("a foreign cursor is invalid", async () => {
    for (const cursor of [
      "x",
      Buffer.from("[1]").toString("base64url"),
      Buffer.from(JSON.stringify([1, "-created_at", "soon", "x"])).toString("base64url"),
    ])
      await expect(
        store.listMemories({ filter: mine, sort: "-created_at", limit: 1, offset: 0, cursor }),
      ).rejects.toMatchObject({ code: "invalid" });
  });

  test("deletes by filter, and says how many", async () => {
    await put({ content: "раз", type: "preference" }, { content: "два" }, { content: "три", userId: "other" });
    expect(await store.deleteMemories({ ...mine, types: ["preference"] }, actor)).toBe(1);
    expect(await store.deleteMemories(mine, actor)).toBe(1);
    expect(await count("memories")).toBe(1);
  });

  test("recent: the session's own first, then what is important, then what is new", async () => {
    const [old, session, important] = await put(
      { content: "старое" },
      { content: "сессии", level: "session", sessionId: "s" },
      { content: "важное", importance: 1 },
    );
    const filter: MemoryFilter = { scope: { projectId, userId: "u", sessionId: "s", exact: false } };
    const recent = await store.recentMemories(filter, 10);
    expect(recent.map((one) => one.id)).toEqual([session, important, old].map((one) => one?.memory.id));
  });

  test("profile: states alone, the most important first, then the newest, whichever session told them", async () => {
    const [old, important, fresh] = await put(
      { content: "имя" },
      { content: "важное", importance: 0.9 },
      { content: "новое", sessionId: "s" },
    );
    await put(
      ...Array.from({ length: 5 }, (_, i) => ({ content: `реплика ${i}`, type: "interaction", sessionId: "s" })),
    );
    await db.query("UPDATE public.memories SET valid_from = now() - interval '1 day' WHERE id = $1", [old?.memory.id]);
    const filter: MemoryFilter = { scope: { projectId, userId: "u", sessionId: "s", exact: false } };
    const ids = (memories: readonly { id: string }[]) => memories.map((one) => one.id);
    const expected = [important, fresh, old].map((one) => one?.memory.id);
    expect(ids(await store.profileMemories(filter, 10))).toEqual(expected);
    expect(ids(await store.profileMemories(filter, 2))).toEqual(expected.slice(0, 2));
  });

  test("another project sees nothing", async () => {
    const { memory } = await putOne();
    const other = "00000000-0000-7000-8000-000000000002";
    expect(await store.getMemory(other, memory.id)).toBeUndefined();
    expect(await store.findMemories([memory.id], { scope: { projectId: other, userId: "u", exact: true } })).toEqual(
      [],
    );
    expect(await store.deleteMemory(other, memory.id, actor)).toBe(false);
  });

  test("as of a time that a memory shows: from the moment on, though a clock has finer ticks than it shows", async () => {
    const from = "2026-03-01T12:00:00.000456Z";
    const to = "2026-03-02T12:00:00.000789Z";
    await db.query("INSERT INTO public.memories (user_id, content, valid_from, valid_to) VALUES ('u', 'раз', $1, $2)", [
      from,
      to,
    ]);
    const seen = async (asOf: string) =>
      (
        await store.listMemories({
          filter: { ...mine, asOf: new Date(asOf) },
          sort: "created_at",
          limit: 10,
          offset: 0,
        })
      ).total;
    expect(await seen("2026-03-01T11:59:59.999Z")).toBe(0);
    expect(await seen("2026-03-01T12:00:00.000Z")).toBe(1);
    expect(await seen("2026-03-02T11:59:59.999Z")).toBe(1);
    expect(await seen("2026-03-02T12:00:00.000Z")).toBe(0);
  });

  test("owners are users, and the agents of what is nobody's", async () => {
    await put(
      { userId: "u", agentId: "g1", content: "раз" },
      { userId: "u", agentId: "g2", content: "два" },
      { userId: null, level: "agent", agentId: "g1", content: "три" },
      { userId: "v", content: "четыре" },
    );
    await db.query("INSERT INTO public.memories (content) VALUES ('пять')");
    const owners = await store.findOwners({ scope: { projectId, exact: true } }, 10);
    expect(new Set(owners.map((owner) => JSON.stringify(owner)))).toEqual(
      new Set([
        '{"userId":"u","agentId":null}',
        '{"userId":null,"agentId":"g1"}',
        '{"userId":"v","agentId":null}',
        '{"userId":null,"agentId":null}',
      ]),
    );
    expect(owners).toHaveLength(4);
    // Whose newest memory is the newest comes first, whatever they told before.
    await put({ userId: "u", content: "шесть" });
    for (const limit of [1, 2, 3])
      expect(
        (await store.findOwners({ scope: { projectId, exact: true } }, limit)).map((owner) => owner.userId),
      ).toEqual(["u", null, "v"].slice(0, limit));
  });

  test("a join shows a caller its own user's, session's and level's rows, whatever ids the index gave", async () => {
    const [own, session, otherUser, otherSession] = await put(
      { content: "своё" },
      { content: "сессии", level: "session", sessionId: "s" },
      { content: "чужое", userId: "other" },
      { content: "другой сессии", level: "session", sessionId: "t" },
    );
    const ids = [own, session, otherUser, otherSession].flatMap((one) => (one === undefined ? [] : [one.memory.id]));
    const seen = async (scope: Partial<MemoryFilter["scope"]>) =>
      (await store.findMemories(ids, { scope: { projectId, userId: "u", exact: false, ...scope } }))
        .map((one) => one.content)
        .toSorted();
    expect(await seen({})).toEqual(["своё"]);
    expect(await seen({ sessionId: "s" })).toEqual(["своё", "сессии"]);
  });
});
