import { beforeEach, expect, test } from "@jest/globals";
import { DEFAULT_PROJECT_ID, isKeyTaken, type Actor, type KeyedWrite, type MemoryFilter } from "@engram/memory";
import { createKeptAnswers, createMemoryStore } from "../src/index.ts";
import { describeOnDatabases } from "./databases.ts";
import { draft } from "./draft.ts";
import { troubled } from "./troubled.ts";

const actor: Actor = { requestId: "req-1", name: "tester" };
const projectId = DEFAULT_PROJECT_ID;
const mine: MemoryFilter = { scope: { projectId, userId: "u", exact: true } };
const digestOf = (name: string): string => Buffer.from(name.padEnd(32)).toString("hex");
const keyed = (key: string, request = "request"): KeyedWrite => ({ key: digestOf(key), request: digestOf(request) });

describeOnDatabases("answers that are kept", (db) => {
  const store = createMemoryStore(db);
  const answers = createKeptAnswers(db);
  beforeEach(() => db.script("DELETE FROM public.memories; DELETE FROM engram.idempotency; DELETE FROM engram.outbox"));

  const count = async (sql: string): Promise<number> =>
    (await db.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${sql}`))[0]?.n ?? -1;
  const putOne = async (given: Parameters<typeof draft>[0] = {}) => {
    const [result] = await store.putMemories([draft(given)]);
    if (result === undefined) throw new Error("no result");
    return result;
  };
  const find = async ({ key }: KeyedWrite) => (await answers.find([key])).get(key);

  test("a put is kept as it was answered, in one statement", async () => {
    const watched = troubled(db);
    const given = {
      importance: 0.1,
      categories: ["город"],
      metadata: { z: 1, a: { deep: [1.5, "ё", null] } },
      occurredAt: new Date("1900-01-01T00:00:00.123Z"),
      expiresAt: new Date(Date.now() + 60_000),
      sessionId: "s",
      agentId: "a",
      key: "home",
    };
    const [result] = await createMemoryStore(watched.db).putMemories([draft({ ...given, keyed: keyed("k") })]);
    expect(watched.statements).toHaveLength(1);
    expect(result).toMatchObject({ created: true, memory: { indexStatus: "pending" } });
    expect(await find(keyed("k"))).toEqual({
      request: keyed("k").request,
      state: "done",
      result: { memory: result?.memory, created: true, settled: false },
    });
    expect(JSON.stringify((await find(keyed("k")))?.result.memory)).toBe(JSON.stringify(result?.memory));
  });

  test("a put without a key leaves nothing and asks nothing", async () => {
    const watched = troubled(db);
    await createMemoryStore(watched.db).putMemories([draft()]);
    expect(watched.statements).toHaveLength(1);
    expect(watched.statements[0]).not.toContain("idempotency");
    expect(await count("engram.idempotency")).toBe(0);
  });

  test("a merged put is kept with the count and the index status of its commit", async () => {
    await putOne();
    await db.script("DELETE FROM engram.outbox");
    const told = await putOne({ keyed: keyed("told") });
    expect(told).toMatchObject({ created: false, memory: { seenCount: 2, indexStatus: "indexed" } });
    const changed = await putOne({ metadata: { a: 1 }, keyed: keyed("changed") });
    expect(changed).toMatchObject({ created: false, memory: { seenCount: 3, indexStatus: "pending" } });
    expect((await find(keyed("told")))?.result).toEqual({ ...told, settled: false });
    expect((await find(keyed("changed")))?.result).toEqual({ ...changed, settled: false });
  });

  test("of a group some may carry keys, and equal states may carry several: one statement, each its own answer", async () => {
    const watched = troubled(db);
    const results = await createMemoryStore(watched.db).putMemories([
      draft({ keyed: keyed("a") }),
      draft({ content: "другое" }),
      draft({ keyed: keyed("b") }),
      draft({ content: "тема", key: "theme", keyed: keyed("c") }),
    ]);
    expect(watched.statements).toHaveLength(1);
    expect(results.map((one) => one.created)).toEqual([true, true, false, true]);
    const kept = await answers.find(["a", "b", "c"].map((key) => keyed(key).key));
    expect(["a", "b", "c"].map((key) => kept.get(keyed(key).key)?.result)).toEqual(
      [results[0], results[2], results[3]].map((result) => ({ ...result, settled: false })),
    );
  });

  test("a key that is taken undoes the whole statement: nothing of the group is written", async () => {
    await putOne({ keyed: keyed("k") });
    for (const key of [null, "theme"]) {
      const group = [draft({ content: "новое", key }), draft({ type: "interaction", keyed: keyed("k", "other") })];
      const error: unknown = await store.putMemories(group).catch((thrown: unknown) => thrown);
      expect(isKeyTaken(error)).toBe(true);
      expect(error).toMatchObject({ code: "conflict", retryAfterSeconds: 1 });
    }
    expect(await count("memories")).toBe(1);
  });

  test("an update is kept as it was answered; a taken key changes nothing", async () => {
    const { memory } = await putOne();
    const patch = { content: "новое", mergeMetadata: false };
    const changed = await store.updateMemory(projectId, memory.id, patch, actor, keyed("k"));
    expect(changed).toMatchObject({ content: "новое", indexStatus: "pending" });
    expect((await find(keyed("k")))?.result).toEqual({ memory: changed, settled: false });
    const again = store.updateMemory(projectId, memory.id, { ...patch, content: "третье" }, actor, keyed("k"));
    await expect(again).rejects.toMatchObject({ code: "conflict", details: [{ field: "Idempotency-Key" }] });
    expect(await store.getMemory(projectId, memory.id)).toMatchObject({ content: "новое" });
    expect(await store.getHistory(projectId, memory.id)).toHaveLength(2);
  });

  test("an update of nothing, or into a text that stands, keeps nothing", async () => {
    const [a, b] = [await putOne({ content: "раз" }), await putOne({ content: "два" })];
    const absent = await store.updateMemory(
      projectId,
      "00000000-0000-7000-8000-000000000009",
      { mergeMetadata: true },
      actor,
      keyed("k"),
    );
    expect(absent).toBeUndefined();
    const patch = { content: "раз", mergeMetadata: false };
    const twin = store.updateMemory(projectId, b.memory.id, patch, actor, keyed("k"));
    await expect(twin).rejects.toMatchObject({ code: "conflict", details: [{ id: a.memory.id }] });
    expect(await find(keyed("k"))).toBeUndefined();
  });

  test("a delete is kept; one of nothing is not", async () => {
    const { memory } = await putOne();
    expect(await store.deleteMemory(projectId, memory.id, actor, keyed("k"))).toBe(true);
    expect(await find(keyed("k"))).toMatchObject({ state: "done", result: { deleted: 1 } });
    expect(await store.deleteMemory(projectId, memory.id, actor, keyed("other"))).toBe(false);
    expect(await find(keyed("other"))).toBeUndefined();
  });

  test.each([
    ["a delete of ours", async (id: string) => void (await store.deleteMemory(projectId, id, actor))],
    ["a delete by filter", async () => void (await store.deleteMemories(mine, actor))],
    ["raw SQL", () => db.script("DELETE FROM memories WHERE user_id = 'u'")],
    ["TRUNCATE", () => db.script("TRUNCATE memories")],
  ])("deleting means gone: after %s the answers hold no content, and say so", async (door, remove) => {
    const { memory } = await putOne({ content: "канарейка", keyed: keyed("put") });
    await store.updateMemory(
      projectId,
      memory.id,
      { metadata: { bird: "канарейка" }, mergeMetadata: true },
      actor,
      keyed("update"),
    );
    const bystander = await putOne({ userId: "other", content: "снегирь", keyed: keyed("other") });
    await remove(memory.id);
    const rows = await db.query<{ line: string }>("SELECT k::text AS line FROM engram.idempotency k");
    expect(rows.filter(({ line }) => line.includes("канарейка"))).toEqual([]);
    expect(await find(keyed("put"))).toMatchObject({ state: "gone", result: { settled: false } });
    expect(await find(keyed("update"))).toMatchObject({ state: "gone" });
    if (door !== "TRUNCATE") expect((await find(keyed("other")))?.result.memory).toEqual(bystander.memory);
  });

  test("an expired memory is as gone as a deleted one", async () => {
    await putOne({ expiresAt: new Date(Date.now() - 1000), keyed: keyed("k") });
    expect(await find(keyed("k"))).toMatchObject({ state: "gone", result: { settled: false } });
  });

  test("of an item of a bulk only the id is kept, which outlives the memory", async () => {
    const { memory } = await putOne({ content: "канарейка", keyed: { ...keyed("k"), idOnly: true } });
    expect(await count("engram.idempotency k WHERE k::text LIKE '%канарейка%'")).toBe(0);
    await store.deleteMemory(projectId, memory.id, actor);
    expect(await find(keyed("k"))).toMatchObject({ state: "done", result: { id: memory.id, created: true } });
  });

  test("whose memory it was stands beside the answer, so that an erasure reaches it", async () => {
    const { memory } = await putOne({ keyed: keyed("put") });
    await store.updateMemory(projectId, memory.id, { importance: 1, mergeMetadata: true }, actor, keyed("update"));
    await store.deleteMemory(projectId, memory.id, actor, keyed("delete"));
    await store.deleteMemories(mine, actor, keyed("all"));
    expect(await count("engram.idempotency WHERE user_id = 'u'")).toBe(4);
  });

  test("after 24 hours the key is free again", async () => {
    await putOne({ type: "interaction", keyed: keyed("k") });
    const age = (hours: number) =>
      db.script(`UPDATE engram.idempotency SET created_at = now() - interval '${hours} hours'`);
    await age(23.9);
    expect(await find(keyed("k"))).toBeDefined();
    await age(24);
    expect(await find(keyed("k"))).toBeUndefined();
    await putOne({ type: "interaction", keyed: keyed("k", "other") });
    expect(await find(keyed("k"))).toMatchObject({ request: keyed("k", "other").request });
    expect(await count("memories")).toBe(2);
  });

  test("the sweep takes what has run out, in chunks, and leaves the rest", async () => {
    await db.script(`INSERT INTO engram.idempotency (key_hash, request_hash, project_id, created_at)
      SELECT sha256(n::text::bytea), '', '${projectId}', now() - interval '25 hours' FROM generate_series(1, 1001) n`);
    await putOne({ keyed: keyed("k") });
    expect(await answers.sweep()).toEqual({ deleted: 500, more: true });
    expect(await answers.sweep()).toEqual({ deleted: 500, more: true });
    expect(await answers.sweep()).toEqual({ deleted: 1, more: false });
    expect(await find(keyed("k"))).toBeDefined();
  });

  test("a write of several statements: begun once, gone on with, finished once", async () => {
    const key = keyed("k");
    expect(await answers.begin(key, projectId)).toBe(true);
    expect(await answers.begin(key, projectId)).toBe(false);
    await expect(answers.begin(keyed("k", "other"), projectId)).rejects.toMatchObject({ code: "conflict" });
    expect(await find(key)).toMatchObject({ state: "begun" });
    const value = { z: 1, a: [{ index: 0, id: "mem_1" }] };
    await answers.finish(key, value);
    await expect(answers.finish(key, { other: true })).rejects.toMatchObject({ code: "conflict" });
    await expect(answers.begin(key, projectId)).rejects.toMatchObject({ code: "conflict" });
    expect(JSON.stringify((await find(key))?.result.value)).toBe(JSON.stringify(value));
  });

  test("the first index status that was answered stays", async () => {
    const { memory } = await putOne({ keyed: keyed("k") });
    expect(await answers.settle(keyed("k"), "indexed")).toBe("indexed");
    expect(await answers.settle(keyed("k"), "pending")).toBe("indexed");
    expect((await find(keyed("k")))?.result).toEqual({
      memory: { ...memory, indexStatus: "indexed" },
      created: true,
      settled: true,
    });
    expect(await answers.settle(keyed("none"), "indexed")).toBeUndefined();
  });

  test("times are kept whatever the server's zone, of old ones with odd offsets too", async () => {
    const occurredAt = new Date("1800-01-01T00:00:00.000Z");
    await db.transaction(async (tx) => {
      await tx.query("SET LOCAL TIME ZONE 'Europe/Moscow'");
      await createMemoryStore(tx).putMemories([draft({ occurredAt, keyed: keyed("k") })]);
    });
    expect((await find(keyed("k")))?.result.memory?.occurredAt).toEqual(occurredAt);
  });
});
