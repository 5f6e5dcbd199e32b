import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "@jest/globals";
import {
  createOnce,
  createPutQueue,
  DEFAULT_PROJECT_ID,
  inSteps,
  keyOfItem,
  MemoryError,
  putItems,
  type Actor,
  type KeyedWrite,
  type KeptResult,
  type MemoryDraft,
  type MemoryFilter,
  type PutResult,
} from "@engram/memory";
import type { Executor } from "@engram/sql";
import { createKeptAnswers, createMemoryStore } from "../src/index.ts";
import { describeOnDatabases, DATABASES } from "./databases.ts";
import { draft } from "./draft.ts";
import { troubled } from "./troubled.ts";

/*
 * One key, one effect: whatever dies, breaks off or comes twice. Events, because states would merge all the same.
 */

const actor: Actor = { requestId: "req-1", name: "tester" };
const projectId = DEFAULT_PROJECT_ID;
const mine: MemoryFilter = { scope: { projectId, userId: "u", exact: true } };
const digestOf = (name: string): string => Buffer.from(name.padEnd(32)).toString("hex");
const keyed = (key: string, request = "request"): KeyedWrite => ({ key: digestOf(key), request: digestOf(request) });
const AT_ONCE = 100;

const toPut = ({ memory, created }: KeptResult): PutResult => {
  if (memory === undefined) throw new Error("nothing is kept");
  return { memory, created: created === true };
};

describeOnDatabases("once", (db) => {
  beforeEach(() => db.script("DELETE FROM public.memories; DELETE FROM engram.idempotency; DELETE FROM engram.outbox"));

  const count = async (sql: string): Promise<number> =>
    (await db.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${sql}`))[0]?.n ?? -1;
  const insertFacts = (n: number) =>
    db.script(`INSERT INTO memories (user_id, content) SELECT 'u', 'факт ' || n FROM generate_series(1, ${n}) n`);

  /** What one process has of it. */
  function startProcess(on: Executor = db) {
    const [store, answers] = [createMemoryStore(on), createKeptAnswers(on)];
    const [once, queue] = [createOnce(answers), createPutQueue(store)];
    return {
      once,
      put: (write: KeyedWrite, given: Partial<MemoryDraft> = {}) =>
        once(write, () => queue.put(draft({ type: "interaction", ...given, keyed: write })), toPut),
      putUnkeyed: (given: Partial<MemoryDraft>) => queue.put(draft(given)),
      update: (id: string, write: KeyedWrite) =>
        once(
          write,
          () => store.updateMemory(projectId, id, { content: "новое", mergeMetadata: false }, actor, write),
          ({ memory }) => memory,
        ),
      deleteAll: (write: KeyedWrite) =>
        once(
          write,
          () => store.deleteMemories(mine, actor, write),
          ({ deleted }) => deleted ?? -1,
        ),
      async bulk(write: KeyedWrite, contents: readonly string[], { groupSize }: { groupSize: number }) {
        const drafts = contents.map((content, i) =>
          draft({ type: "interaction", content, keyed: keyOfItem(write, i) }),
        );
        const run = async (resumed: boolean) => {
          const ids: string[] = [];
          for (let i = 0; i < drafts.length; i += groupSize) {
            const items = await putItems({ store, answers }, drafts.slice(i, i + groupSize), { resumed });
            ids.push(...items.map((item) => (item instanceof MemoryError ? item.code : item.id)));
          }
          return ids;
        };
        return once(
          write,
          () => inSteps(answers, write, projectId, run),
          ({ value }) => value as string[],
        );
      },
    };
  }

  test("100 equal puts at once in two processes: one effect, 100 equal answers, one of them not a replay", async () => {
    const [a, b] = [startProcess(), startProcess()];
    const outcomes = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, i) => (i % 2 === 0 ? a : b).put(keyed("k"))),
    );
    expect(new Set(outcomes.map(({ result }) => JSON.stringify(result))).size).toBe(1);
    expect(outcomes.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(await count("memories")).toBe(1);
    expect(await count("engram.outbox")).toBe(1);
  });

  test("processes that race for the keys of whole groups spoil nobody's put", async () => {
    const processes = [startProcess(), startProcess(), startProcess()];
    const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
    const outcomes = await Promise.all(
      processes.flatMap((process, p) => [
        ...keys.map((key) => process.put(keyed(key), { content: `событие ${key}` })),
        process.putUnkeyed({ content: `факт процесса ${p}` }).then((result) => ({ result, replayed: false })),
      ]),
    );
    expect(new Set(outcomes.map(({ result }) => result.memory.id)).size).toBe(keys.length + processes.length);
    expect(await count("memories")).toBe(keys.length + processes.length);
  });

  test("the same key for something else is refused, later as well as at once", async () => {
    const process = startProcess();
    const both = await Promise.allSettled([process.put(keyed("k")), process.put(keyed("k", "other"))]);
    expect(both).toMatchObject([{ status: "fulfilled" }, { status: "rejected", reason: { code: "key_reused" } }]);
    const later = startProcess().put(keyed("k", "other"));
    await expect(later).rejects.toMatchObject({ code: "key_reused", details: [{ field: "Idempotency-Key" }] });
    const [other, same] = await Promise.allSettled([
      startProcess().put(keyed("new", "one")),
      startProcess().put(keyed("new", "two")),
    ]);
    expect([other?.status, same?.status].toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(await count("memories")).toBe(2);
  });

  test("a write that fails keeps nothing: mended, it goes through under the same key", async () => {
    const { once, put } = startProcess();
    const refused = once(keyed("k"), () => Promise.reject(new MemoryError("invalid", "no")), toPut);
    await expect(refused).rejects.toMatchObject({ code: "invalid" });
    expect(await put(keyed("k"))).toMatchObject({ replayed: false });
  });

  test("a put whose answer was lost is not put again: the retry gives the same id", async () => {
    const network = troubled(db);
    network.cutAfter(/INSERT INTO public.memories/);
    await expect(startProcess(network.db).put(keyed("k"))).rejects.toMatchObject({ code: "unavailable" });
    const [row] = await db.query<{ id: string }>("SELECT id FROM memories");
    const retried = await startProcess().put(keyed("k"));
    expect(retried).toMatchObject({ replayed: true, result: { created: true, memory: { id: row?.id } } });
    expect(await count("memories")).toBe(1);
  });

  test("a retry never brings back what has been deleted since", async () => {
    const { result } = await startProcess().put(keyed("k"));
    await createMemoryStore(db).deleteMemory(projectId, result.memory.id, actor);
    await expect(startProcess().put(keyed("k"))).rejects.toMatchObject({
      code: "not_found",
      details: [{ field: "Idempotency-Key" }],
    });
    expect(await count("memories")).toBe(0);
  });

  test("a retry of a row that an erasure has blanked brings nothing back either", async () => {
    await startProcess().put(keyed("k"));
    await db.script(`UPDATE engram.idempotency SET result = NULL, user_id = NULL, memory_id = NULL WHERE user_id = 'u';
      DELETE FROM memories`);
    await expect(startProcess().put(keyed("k"))).rejects.toMatchObject({ code: "not_found" });
  });

  test("an update that comes a hundred times is one version", async () => {
    const { result } = await startProcess().put(keyed("put"));
    const processes = [startProcess(), startProcess()];
    const outcomes = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, i) => processes[i % 2]?.update(result.memory.id, keyed("k"))),
    );
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome?.result))).size).toBe(1);
    expect(await createMemoryStore(db).getHistory(projectId, result.memory.id)).toHaveLength(2);
  });

  test("a bulk that died half-way goes on where it stopped, each item once, under the ids of the first run", async () => {
    const contents = Array.from({ length: 25 }, (_, i) => `событие ${i % 20}`);
    const network = troubled(db);
    network.cutAfter(/INSERT INTO public.memories/, 2);
    const options = { groupSize: 10 };
    await expect(startProcess(network.db).bulk(keyed("k"), contents, options)).rejects.toMatchObject({
      code: "unavailable",
    });
    const before = new Set((await db.query<{ id: string }>("SELECT id FROM memories")).map((row) => row.id));
    expect(before.size).toBe(20);
    const { result, replayed } = await startProcess().bulk(keyed("k"), contents, options);
    expect(replayed).toBe(false);
    expect(result.slice(0, 20).every((id) => before.has(id))).toBe(true);
    expect(new Set(result).size).toBe(25);
    expect(await count("memories")).toBe(25);
    expect(await startProcess().bulk(keyed("k"), contents, options)).toEqual({ result, replayed: true });
  });

  test("equal bulks in two processes at once: each item once, equal answers", async () => {
    const contents = Array.from({ length: 30 }, (_, i) => `событие ${i}`);
    const options = { groupSize: 10 };
    const outcomes = await Promise.all(
      Array.from({ length: 6 }, () => startProcess().bulk(keyed("k"), contents, options)),
    );
    expect(new Set(outcomes.map(({ result }) => JSON.stringify(result))).size).toBe(1);
    expect(outcomes.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(await count("memories")).toBe(30);
  });

  test("a delete of many that died half-way goes on, and counts from the beginning", async () => {
    await insertFacts(1_100);
    const network = troubled(db);
    network.cutAfter(/DELETE FROM public.memories/, 2);
    await expect(startProcess(network.db).deleteAll(keyed("k"))).rejects.toMatchObject({ code: "unavailable" });
    expect(await count("memories")).toBe(100);
    expect(await startProcess().deleteAll(keyed("k"))).toEqual({ result: 1_100, replayed: false });
    await insertFacts(3);
    expect(await startProcess().deleteAll(keyed("k"))).toEqual({ result: 1_100, replayed: true });
    expect(await count("memories")).toBe(3);
  });

  test("equal deletes of many in two processes at once: all deleted, equal counts", async () => {
    await insertFacts(1_100);
    const outcomes = await Promise.all(Array.from({ length: 4 }, () => startProcess().deleteAll(keyed("k"))));
    expect(outcomes.map(({ result }) => result)).toEqual([1_100, 1_100, 1_100, 1_100]);
    expect(await count("memories")).toBe(0);
  });

  test("what is written while a delete of many runs again elsewhere stays, once the delete is done", async () => {
    await insertFacts(600);
    const stopped = troubled(db);
    stopped.before(/DELETE FROM public.memories/, async () => {
      expect(await startProcess().deleteAll(keyed("k"))).toEqual({ result: 600, replayed: false });
      await insertFacts(2);
    });
    expect(await startProcess(stopped.db).deleteAll(keyed("k"))).toEqual({ result: 600, replayed: true });
    expect(await count("memories")).toBe(2);
  });
});

// PGlite has one session, in which nothing runs beside a transaction.
const onServer = DATABASES.find(([name]) => name === "PostgreSQL");

(onServer === undefined ? describe.skip : describe)("once on PostgreSQL, statement against statement", () => {
  test("a delete of many that runs into the last chunk of its twin waits for it, and deletes nothing more", async () => {
    if (onServer === undefined) throw new Error("skipped without a server");
    const database = await onServer[1]();
    const { db } = database;
    const twin = Promise.withResolvers<void>();
    const committed = Promise.withResolvers<void>();
    const late = troubled(db);
    late.before(/DELETE FROM public.memories/, async () => {
      void db
        .transaction(async (tx) => {
          expect(await createMemoryStore(tx).deleteMemories(mine, actor, keyed("k"))).toBe(10);
          twin.resolve();
          await waitForBlocked(db);
        })
        .then(committed.resolve, committed.reject);
      await twin.promise;
      await db.script("INSERT INTO memories (user_id, content) VALUES ('u', 'новое')");
    });
    await db.script("INSERT INTO memories (user_id, content) SELECT 'u', 'факт ' || n FROM generate_series(1, 10) n");
    const answer = createMemoryStore(late.db).deleteMemories(mine, actor, keyed("k"));
    await expect(answer).rejects.toMatchObject({ code: "conflict" });
    await committed.promise;
    expect(await db.query("SELECT content FROM memories")).toEqual([{ content: "новое" }]);
    await database.close();
  });
});

/** Until some statement of this database waits for a lock. */
async function waitForBlocked(db: Executor): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    const blocked = await db.query(
      "SELECT 1 AS one FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    if (blocked.length > 0) return;
    await sleep(5);
  }
  throw new Error("nothing waits");
}
