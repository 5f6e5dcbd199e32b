import { beforeEach, expect, test } from "@jest/globals";
import { DEFAULT_PROJECT_ID, tenantOf, type Erasure } from "@engram/memory";
import fc from "fast-check";
import { createErasures, createMemoryStore, createOutbox } from "../src/index.ts";
import { describeOnDatabases } from "./databases.ts";
import { draft } from "./draft.ts";

const projectId = DEFAULT_PROJECT_ID;
const actor = { requestId: "req-1", name: "tester" };
const person = { projectId, userId: "u" };

describeOnDatabases("erasures", (db, name) => {
  const store = createMemoryStore(db);
  const erasures = createErasures(db);
  beforeEach(() =>
    db.script(
      "TRUNCATE public.memories; DELETE FROM engram.history; DELETE FROM engram.outbox; DELETE FROM engram.erasures; DELETE FROM engram.erased_ids; DELETE FROM engram.idempotency",
    ),
  );

  const put = (...drafts: Parameters<typeof draft>[0][]) => store.putMemories(drafts.map((one) => draft(one)));
  const putOne = async (given: Parameters<typeof draft>[0]): Promise<string> => (await put(given))[0]?.memory.id ?? "";
  const rows = (sql: string) => db.query(sql);
  const counts = async (erasure: Erasure) =>
    Object.fromEntries(
      await Promise.all(erasures.places.map(async (place) => [place, await erasures.count(place, erasure)] as const)),
    );
  /** Other tests of this cluster have transactions in flight too. */
  const swept = async (erasure: Erasure): Promise<Erasure> => {
    for (;;) {
      const now = await erasures.sweep(erasure);
      if (now.swept) return now;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  /** PGlite has one session: nothing is ever in flight beside a request. */
  const onServer: (title: string, work: () => Promise<void>) => void = name === "PostgreSQL" ? test : () => undefined;

  test("the database knows a tenant by the same hash as the index", async () => {
    const odd = [
      "u",
      "",
      " ",
      '"',
      "\\",
      "Ёжик",
      "\u0001\b\f\n\r\t\u001f\u007f\u0085",
      "\u2028\u2029",
      "😀",
      "null",
      "ﬃ",
    ];
    const generated = fc.sample(fc.string({ unit: "binary" }), 300);
    const ids = [...odd, ...generated].filter((id) => !id.includes("\0") && id.isWellFormed());
    const found = await db.query<{ tenant: string }>(
      "SELECT engram.user_tenant($1::uuid, i.id)::text AS tenant FROM unnest($2::text[]) WITH ORDINALITY AS i (id, n) ORDER BY n",
      [projectId, ids],
    );
    expect(found.map((row) => row.tenant.replaceAll("-", ""))).toEqual(
      ids.map((userId) => tenantOf({ projectId, userId, agentId: null })),
    );
  });

  test("all that a person had goes, whatever its level and state, and nothing of others", async () => {
    await put(
      { content: "вечное" },
      { content: "сессии", level: "session", sessionId: "s" },
      { content: "агента", level: "agent", agentId: "a" },
      { content: "истекшее", expiresAt: new Date(Date.now() - 1000) },
    );
    await putOne({ content: "тёмная", key: "theme" });
    await putOne({ content: "светлая", key: "theme" });
    const changed = await putOne({ content: "раз" });
    await store.updateMemory(projectId, changed, { content: "два", mergeMetadata: false }, actor);
    await put({ content: "чужое", userId: "v" }, { content: "общее", userId: null, level: "agent", agentId: "a" });
    await db.script("UPDATE memories SET metadata = '{\"n\":1}' WHERE user_id = 'v'");

    const erasure = await erasures.request(person, actor);
    expect(erasure).toMatchObject({ completedAt: null, erased: { memories: 7 } });
    expect(await rows("SELECT user_id FROM memories ORDER BY 1")).toEqual([{ user_id: "v" }, { user_id: null }]);
    expect(await rows("SELECT event, snapshot IS NULL AS empty FROM engram.history")).toEqual([
      { event: "updated", empty: false },
    ]);
    expect(await counts(erasure)).toEqual({ messages: 0, events: 0, memories: 0, history: 0, answers: 0 });
  });

  test("the empty lines of memories that were deleted long before go too", async () => {
    await store.deleteMemory(projectId, await putOne({ content: "раз" }), actor);
    await putOne({ content: "два" });
    await db.script("DELETE FROM memories WHERE user_id = 'u'");
    await putOne({ content: "три" });
    await db.script("TRUNCATE memories");
    await putOne({ content: "чужое", userId: "v" });
    await db.script("DELETE FROM memories WHERE user_id = 'v'");
    expect(await rows("SELECT 1 AS one FROM engram.history")).toHaveLength(4);
    const erasure = await erasures.request(person, actor);
    expect(erasure.erased).toEqual({ messages: 0, events: 0, memories: 0, history: 3, answers: 0 });
    expect(await rows("SELECT 1 AS one FROM engram.history")).toHaveLength(1);
  });

  test("a memory that was handed to another stays; the lines of its time here go", async () => {
    const id = await putOne({ content: "раз" });
    await db.script("UPDATE memories SET user_id = 'v'");
    await erasures.request(person, actor);
    expect(await rows("SELECT user_id FROM memories")).toEqual([{ user_id: "v" }]);
    expect(await rows("SELECT 1 AS one FROM engram.history")).toEqual([]);
    expect(await store.getHistory(projectId, id)).toHaveLength(1);
  });

  test("the record names nobody once writes in flight have ended, and its hash still finds what it must count", async () => {
    await put({ content: "раз" });
    const requested = await erasures.request(person, actor);
    const erasure = await swept(requested);
    expect(erasure.swept).toBe(true);
    expect(JSON.stringify(await rows("SELECT * FROM engram.erasures"))).not.toMatch(/"u"/);
    await db.script(`INSERT INTO memories (user_id, content, updated_at) VALUES ('u', 'вернулось', now() - interval '1 hour'),
      ('v', 'чужое', now() - interval '1 hour')`);
    expect(await counts(erasure)).toMatchObject({ memories: 1 });
    await erasures.sweep(erasure);
    expect(await counts(erasure)).toMatchObject({ memories: 0 });
    expect(await rows("SELECT user_id FROM memories")).toEqual([{ user_id: "v" }]);
    expect(JSON.stringify(await rows("SELECT * FROM engram.erasures"))).not.toMatch(/"u"/);
  });

  test("what is written after the request is new: neither swept nor counted, nor its history", async () => {
    await put({ content: "раз" }, { content: "тёмная", key: "theme" });
    const erasure = await erasures.request(person, actor);
    const again = await putOne({ content: "раз" });
    const theme = await putOne({ content: "светлая", key: "theme" });
    await store.updateMemory(projectId, again, { content: "два", mergeMetadata: false }, actor);
    await store.deleteMemory(projectId, theme, actor);
    const settled = await swept(erasure);
    expect(settled.erased).toEqual(erasure.erased);
    expect(await rows("SELECT content FROM memories")).toEqual([{ content: "два" }]);
    expect(await rows("SELECT event FROM engram.history ORDER BY 1")).toEqual([
      { event: "deleted" },
      { event: "updated" },
    ]);
    expect(await counts(settled)).toEqual({ messages: 0, events: 0, memories: 0, history: 0, answers: 0 });
  });

  onServer("a write in flight at the request is erased when it has ended, and the sweep waits for it", async () => {
    await put({ content: "раз" });
    let commit = (): void => undefined;
    const committed = new Promise<void>((resolve) => (commit = resolve));
    let inserted = (): void => undefined;
    const isInserted = new Promise<void>((resolve) => (inserted = resolve));
    const inFlight = db.transaction(async (tx) => {
      await tx.query("INSERT INTO memories (user_id, content) VALUES ('u', 'в полёте')");
      inserted();
      await committed;
    });
    await isInserted;
    const erasure = await erasures.request(person, actor);
    const early = await erasures.sweep(erasure);
    commit();
    await inFlight;
    expect(erasure.erased).toMatchObject({ memories: 1 });
    expect(early.swept).toBe(false);
    expect(await counts(erasure)).toMatchObject({ memories: 1 });
    expect(await swept(erasure)).toMatchObject({ swept: true, erased: { memories: 2 } });
    expect(await rows("SELECT 1 AS one FROM memories")).toEqual([]);
  });

  onServer(
    "an erasure among writers of the same memories and slots ends, and loses none of their later writes",
    async () => {
      const contents = Array.from({ length: 20 }, (_, n) => `факт ${n}`);
      await put(...contents.map((content) => ({ content })));
      const { putRacing } = await import("@engram/memory");
      const write = (n: number) =>
        putRacing(
          store,
          contents.slice(n % 10, (n % 10) + 8).map((content) => draft({ content, key: n % 4 === 0 ? content : null })),
        );
      const early = Array.from({ length: 20 }, (_, n) => write(n));
      await erasures.request(person, actor);
      await Promise.all(early);
      const late = await Promise.all(Array.from({ length: 10 }, (_, n) => write(n)));
      const erasure = await swept(await erasures.request(person, actor));
      expect(await rows("SELECT 1 AS one FROM memories")).toEqual([]);
      expect(late.flat()).toHaveLength(80);
      expect(await counts(erasure)).toEqual({ messages: 0, events: 0, memories: 0, history: 0, answers: 0 });
    },
  );

  test("work counts until its effect is certain, and is never taken away", async () => {
    const topic = "index:main";
    const options = { topic, limit: 64, leaseSeconds: 60, horizonSeconds: 300 };
    const outbox = createOutbox(db);
    const token = "00000000-0000-4000-8000-00000000000a";
    await put({ content: "раз" }, { content: "чужое", userId: "v" });
    await outbox.claim({ ...options, token: "00000000-0000-4000-8000-00000000000b", leaseSeconds: 0 }); // and is never heard of again
    const erasure = await erasures.request(person, actor);
    expect(await erasures.countJobs(erasure)).toBe(1);
    await outbox.acknowledge(topic, token, await outbox.claim({ ...options, token }));
    expect(await erasures.countJobs(erasure)).toBe(1); // the doubt
    await db.script("UPDATE engram.outbox SET doubt_until = now(), due_at = now()");
    await outbox.acknowledge(topic, token, await outbox.claim({ ...options, token }));
    expect(await erasures.countJobs(erasure)).toBe(0);
    await erasures.complete(await swept(erasure));
    expect(await rows("SELECT 1 AS one FROM engram.erased_ids")).toEqual([]);
  });

  test("work of a memory that nobody remembers counts as well", async () => {
    await put({ content: "раз" });
    await db.script("DELETE FROM memories; DELETE FROM engram.history");
    expect(await erasures.countJobs(await erasures.request(person, actor))).toBe(1);
  });

  test("a touched point becomes work at once, also where a pass waits out its doubt; work under way is left alone", async () => {
    const [waiting, leased, fresh] = [1, 2, 3].map((n) => `00000000-0000-7000-8000-00000000000${n}`);
    const erasure = await erasures.request(person, actor);
    await db.script(`INSERT INTO engram.outbox (topic, key, due_at, doubt_until) VALUES ('index:main', '${waiting}', now() + interval '5 min', now() + interval '5 min');
      INSERT INTO engram.outbox (topic, key, due_at, lease, attempts) VALUES ('index:main', '${leased}', now() + interval '5 min', gen_random_uuid(), 1)`);
    await erasures.touch("index:main", erasure, [waiting ?? "", leased ?? "", fresh ?? ""]);
    expect(
      await rows(
        "SELECT key, gen, due_at <= now() AS due, doubt_until IS NOT NULL AS doubt FROM engram.outbox ORDER BY key",
      ),
    ).toEqual([
      { key: waiting, gen: 2, due: true, doubt: true },
      { key: leased, gen: 1, due: false, doubt: false },
      { key: fresh, gen: 1, due: true, doubt: false },
    ]);
  });

  onServer("a touch does not lock work that is under way, whose acknowledgement would pass over it", async () => {
    await put({ content: "раз" });
    const [work] = await createOutbox(db).claim({
      topic: "index:main",
      limit: 1,
      token: "00000000-0000-4000-8000-00000000000a",
      leaseSeconds: 60,
      horizonSeconds: 300,
      only: "all",
    });
    const erasure = await erasures.request(person, actor);
    await db.transaction(async (tx) => {
      await createErasures(tx).touch("index:main", erasure, [work?.key ?? ""]);
      expect(await rows("SELECT 1 AS one FROM engram.outbox FOR UPDATE SKIP LOCKED")).toHaveLength(1);
    });
  });

  test("kept answers are blank, and stay, so that a retry writes nothing", async () => {
    await db.script(`INSERT INTO engram.idempotency (key_hash, request_hash, project_id, user_id, memory_id, result)
      SELECT convert_to(u, 'UTF8'), '', '${projectId}', u, gen_random_uuid(), '{"memory":"раз"}' FROM unnest(ARRAY['u', 'v']) u`);
    const erasure = await erasures.request(person, actor);
    expect(erasure.erased).toEqual({ messages: 0, events: 0, memories: 0, history: 0, answers: 1 });
    const kept = await rows(
      "SELECT user_id, memory_id IS NULL AS blank, result FROM engram.idempotency ORDER BY key_hash",
    );
    expect(kept).toEqual([
      { user_id: null, blank: true, result: null },
      { user_id: "v", blank: false, result: { memory: "раз" } },
    ]);
    const settled = await swept(erasure);
    expect(await counts(settled)).toMatchObject({ answers: 0 });
    await db.script(
      "UPDATE engram.idempotency SET user_id = 'u', created_at = now() - interval '1 hour' WHERE user_id IS NULL",
    );
    expect(await counts(settled)).toMatchObject({ answers: 1 });
  });

  test("more than one chunk goes in one commit", async () => {
    await db.script("INSERT INTO memories (user_id, content) SELECT 'u', 'факт ' || n FROM generate_series(1, 1203) n");
    await db.script("UPDATE memories SET metadata = '{\"n\":1}'");
    const erasure = await erasures.request(person, actor);
    expect(erasure.erased).toEqual({ messages: 0, events: 0, memories: 1203, history: 2406, answers: 0 });
    expect(await erasures.countJobs(erasure)).toBe(1203);
  }, 60_000);

  test("an erasure is found in its own project only, and while it runs", async () => {
    const erasure = await erasures.request(person, actor);
    expect(await erasures.get(projectId, erasure.id)).toMatchObject({ id: erasure.id, tenant: erasure.tenant });
    expect(await erasures.get("00000000-0000-7000-8000-000000000002", erasure.id)).toBeUndefined();
    const other = await erasures.request({ projectId, userId: "v" }, actor);
    expect((await erasures.running({ limit: 1 })).map((one) => one.id)).toEqual([erasure.id]);
    expect((await erasures.running({ limit: 5, after: erasure.id })).map((one) => one.id)).toEqual([other.id]);
    await erasures.complete(await swept(erasure));
    expect((await erasures.running({ limit: 5 })).map((one) => one.id)).toEqual([other.id]);
    expect(await erasures.get(projectId, erasure.id)).toMatchObject({ completedAt: expect.any(Date) });
  });
});
