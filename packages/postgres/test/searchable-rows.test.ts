import { beforeEach, describe, expect, test } from "@jest/globals";
import { CHANGES_MAX, DEFAULT_PROJECT_ID, tenantOf, type Change } from "@engram/memory";
import type { Executor } from "@engram/sql";
import { createMemoryStore, createSearchableRows } from "../src/index.ts";
import { describeOnDatabases } from "./databases.ts";
import { draft } from "./draft.ts";

const owner = { projectId: DEFAULT_PROJECT_ID, userId: "u" };
const tenant = tenantOf({ ...owner, agentId: null });
const actor = { requestId: null, name: null };

describeOnDatabases("searchable rows", (db, name) => {
  const store = createMemoryStore(db);
  const rows = createSearchableRows(db);
  beforeEach(async () => {
    await db.script(`TRUNCATE public.memories; DELETE FROM engram.changes;
      UPDATE engram.changes_told SET told_from = '0', next = '0', next_at = now()`);
  });
  /**
   * A mark past everything done so far. A snapshot counts the transactions of all databases of a server, of other test files
   * too, so this waits for those that began before.
   */
  const mark = async (): Promise<string> => {
    const last = await lastTransaction(db);
    for (;;) {
      const { since } = await rows.poll([]);
      if (BigInt(since) > last) return since;
    }
  };
  const told = async (since: string): Promise<readonly Change[]> =>
    (await rows.poll([{ tenant, since }])).tenants[0]?.changes ?? [];
  const idsOf = (changes: readonly Change[]) => new Set(changes.flatMap(({ ids }) => ids ?? ["too many"]));
  /** The mark that is to be the first one told, once it is old enough, is. */
  const growOld = (): Promise<unknown> =>
    db.script("UPDATE engram.changes_told SET next_at = now() - interval '16 minutes'");
  const put = async (given: Parameters<typeof draft>[0]): Promise<string> =>
    (await store.putMemories([draft(given)]))[0]?.memory.id ?? "";

  test("live rows of one user, with what a search asks of them", async () => {
    const id = await put({
      content: "Марина: завтра чай, чай и кофе",
      type: "interaction",
      sessionId: "s",
      expiresAt: new Date("2099-01-01T00:00:00Z"),
    });
    await put({ content: "Ушёл", expiresAt: new Date("2001-01-01T00:00:00Z") });
    await put({ content: "Чужое", userId: "v" });
    await db.query("UPDATE memories SET created_at = '2026-05-08 10:11:12.345678+00' WHERE id = $1", [id]);
    const listed = await rows.list(owner, 10);
    expect(listed?.ids).toEqual([id]);
    expect(BigInt(listed?.since ?? 0)).toBeGreaterThan(0n);
    const read = await rows.read(owner, listed?.ids ?? []);
    expect(read).toEqual([
      {
        id,
        version: expect.any(Number),
        level: "user",
        type: "interaction",
        sessionId: "s",
        sessionIds: ["s"],
        agentIds: [],
        createdAt: Date.parse("2026-05-08T10:11:12Z") * 1_000 + 345_678,
        expiresAt: Date.parse("2099-01-01T00:00:00Z"),
        lexemes: expect.arrayContaining(["@who:марин", "ча", "коф"]),
        counts: expect.any(Array),
        contents: expect.any(String),
      },
    ]);
    const [row] = read;
    expect(row?.counts[row.lexemes.indexOf("ча")]).toBe(2);
    expect(await rows.read({ ...owner, userId: "v" }, [id])).toEqual([]);
  });

  test("a time without an end is one, and a row without a word has none", async () => {
    await db.query(
      "INSERT INTO memories (user_id, content, created_at, expires_at) VALUES ('u', '—', '-infinity', 'infinity')",
    );
    const listed = await rows.list(owner, 10);
    expect(await rows.read(owner, listed?.ids ?? [])).toMatchObject([{ createdAt: -Infinity, expiresAt: Infinity }]);
  });

  test("contents are the memory as it is read where it is, but for one that is too long", async () => {
    await put({
      content: "Живёт в «Казани»",
      key: "home",
      metadata: { a: [1.5, null, "ё"], b: { c: true } },
      importance: 0.8,
      categories: ["city", "дом"],
      agentId: "a",
      sessionId: "s",
      occurredAt: new Date("1918-03-01T10:11:12.987Z"),
      expiresAt: new Date("2099-01-01T00:00:00.001Z"),
      source: { messageIds: [], provenance: { trust: "user" }, validFrom: new Date("1969-12-31T23:59:59.999Z") },
    });
    await put({ content: "Просто так" });
    await put({ content: `Длинно ${"слово ".repeat(400)}` });
    await put({
      content: "Давно и нескоро",
      occurredAt: new Date("1650-03-04T05:06:07.123Z"),
      expiresAt: new Date("2250-03-04T05:06:07.123Z"),
    });
    // As the database keeps them: what repeats takes a tenth of the room there.
    await put({ content: "Много раз", metadata: { again: "слово ".repeat(1_000) } });
    await put({ content: "И так", metadata: { long: Array.from({ length: 4_000 }, (_, n) => (n * n) % 1_009) } });
    await db.query("UPDATE memories SET created_at = '2026-05-08 10:11:12.3459+00' WHERE key = 'home'");
    const ids = (await rows.list(owner, 10))?.ids ?? [];
    const filter = { scope: { ...owner, exact: true } };
    const read = await rows.read(owner, ids);
    expect(read.filter(({ contents }) => contents === undefined)).toHaveLength(3);
    await db.script("DELETE FROM engram.outbox");
    const stored = new Map((await store.findMemories(ids, filter)).map((memory) => [memory.id, memory]));
    for (const { id, version, contents } of read)
      if (contents !== undefined)
        expect(rows.toMemory({ ...owner, id, version, contents }, { seenCount: 1, indexStatus: "indexed" })).toEqual(
          stored.get(id),
        );
  });

  test("of what was read before a poll tells whether it stands", async () => {
    const contents = ["как было", "изменится", "уйдёт", "кончится", "сменится", "отдадут", "ещё раз", "в пути"];
    const ids: string[] = [];
    for (const content of contents) {
      if (content === "в пути") await db.script("DELETE FROM engram.outbox");
      ids.push(await put({ content }));
    }
    const [, changed = "", gone = "", ended = "", retired = "", given = ""] = ids;
    const listed = (await rows.read(owner, ids)).map(({ id, version }) => ({ ...owner, id, version }));
    const read = ids.flatMap((id) => listed.find((row) => row.id === id) ?? []);
    const since = await mark();
    const standing = async () => (await rows.poll([{ tenant, since, rows: read }])).tenants[0]?.standing;
    const AS_READ = { seenCount: 1, indexStatus: "indexed" };
    const UNDERWAY = { seenCount: 1, indexStatus: "pending" };
    expect(await standing()).toEqual([...ids.slice(1).map(() => AS_READ), UNDERWAY]);

    await store.updateMemory(DEFAULT_PROJECT_ID, changed, { content: "изменилось", mergeMetadata: false }, actor);
    await store.deleteMemory(DEFAULT_PROJECT_ID, gone, actor);
    // Past the triggers, since a change is a version.
    await db.script(`ALTER TABLE memories DISABLE TRIGGER USER;
      UPDATE memories SET expires_at = now() WHERE id = '${ended}'; UPDATE memories SET valid_to = now() WHERE id = '${retired}';
      UPDATE memories SET user_id = 'v' WHERE id = '${given}';
      ALTER TABLE memories ENABLE TRIGGER USER`);
    await put({ content: "ещё раз" });
    const others = [...new Array<undefined>(5).fill(undefined), { ...AS_READ, seenCount: 2 }, UNDERWAY];
    expect(await standing()).toEqual([AS_READ, ...others]);
    // Each that asks is told of its own.
    const [last, none, two] = (
      await rows.poll([
        { tenant, since, rows: read.slice(6) },
        { tenant, since },
        { tenant, since, rows: read.slice(0, 2) },
      ])
    ).tenants.map((one) => one.standing);
    expect([last, none, two]).toEqual([[{ ...AS_READ, seenCount: 2 }, UNDERWAY], [], [AS_READ, undefined]]);
  });

  test("more rows than may be held are not read", async () => {
    await db.query("INSERT INTO memories (user_id, content) SELECT 'u', 'память ' || n FROM generate_series(1, 4) n");
    expect((await rows.list(owner, 4))?.ids).toHaveLength(4);
    expect(await rows.list(owner, 3)).toBeUndefined();
  });

  test("every door tells whose memories have changed; being told again is no change", async () => {
    const begin = await mark();
    const id = await put({ content: "Живёт в Казани" });
    expect(idsOf(await told(begin))).toEqual(new Set([id]));
    const doors: readonly (() => Promise<unknown>)[] = [
      () => store.updateMemory(DEFAULT_PROJECT_ID, id, { content: "Живёт в Самаре", mergeMetadata: false }, actor),
      () => put({ content: "Живёт в Самаре", sessionId: "s" }),
      () => db.query("UPDATE memories SET valid_to = now() WHERE id = $1", [id]),
      () => db.query("UPDATE memories SET valid_to = NULL WHERE id = $1", [id]),
      () => db.query("UPDATE memories SET user_id = 'v' WHERE id = $1", [id]),
      () => db.query("UPDATE memories SET user_id = 'u' WHERE id = $1", [id]),
      () => store.deleteMemory(DEFAULT_PROJECT_ID, id, actor),
    ];
    for (const door of doors) {
      const since = await mark();
      await door();
      expect(idsOf(await told(since))).toEqual(new Set([id]));
    }
    const other = await put({ content: "Пьёт чай" });
    const since = await mark();
    await put({ content: "Пьёт чай" });
    expect(await told(since)).toEqual([]);
    await db.script("TRUNCATE public.memories");
    expect(idsOf(await told(since))).toEqual(new Set([other]));
  });

  test("words that are made anew without a new version are told", async () => {
    const id = await put({ content: "Живёт в Казани" });
    const words = "SELECT ids FROM engram.changes WHERE xid = pg_current_xact_id()";
    const seen: unknown[] = [];
    const work = db.transaction(async (tx) => {
      await tx.query("UPDATE memories SET content = content");
      seen.push(await tx.query(words));
      // As a migration does that changes what words are made of.
      await tx.script(`CREATE OR REPLACE FUNCTION engram.search_document(content text, occurred_at timestamptz) RETURNS tsvector
        LANGUAGE sql IMMUTABLE AS $$ SELECT to_tsvector('pg_catalog.simple', content) $$`);
      await tx.query("UPDATE memories SET content = content");
      seen.push(await tx.query(words));
      throw new Error("the functions stay as they are");
    });
    await expect(work).rejects.toThrow();
    expect(seen).toEqual([[], [{ ids: [id] }]]);
  });

  test("of more than 100 of one user in one statement is told that there were too many", async () => {
    const since = await mark();
    await db.query("INSERT INTO memories (user_id, content) SELECT 'u', 'память ' || n FROM generate_series(1, 101) n");
    expect(idsOf(await told(since))).toEqual(new Set(["too many"]));
  });

  test("several ask at once, each for its own", async () => {
    const since = await mark();
    const [mine, other] = [await put({ content: "Моё" }), await put({ content: "Чужое", userId: "v" })];
    const theirs = tenantOf({ ...owner, userId: "v", agentId: null });
    const polled = await rows.poll([theirs, tenant, theirs].map((one) => ({ tenant: one, since })));
    expect(polled.tenants.map(({ changes }) => idsOf(changes))).toEqual(
      [other, mine, other].map((id) => new Set([id])),
    );
  });

  test("what was told for a quarter of an hour is told no more, and a mark from before is known for it", async () => {
    const since = await mark();
    await put({ content: "Давно" });
    expect(await rows.forget()).toEqual({ deleted: 0, more: false });
    // The mark of now is to become the first that is told, when it is old enough.
    await mark();
    await growOld();
    expect(await rows.forget()).toEqual({ deleted: 0, more: false });
    expect(idsOf(await told(since)).size).toBe(1);
    await growOld();
    const lately = await mark();
    expect(await rows.forget()).toEqual({ deleted: 1, more: false });
    expect(await told(since)).toEqual([]);
    const { toldFrom } = await rows.poll([]);
    expect(BigInt(toldFrom)).toBeGreaterThan(BigInt(since));
    expect(BigInt(toldFrom)).toBeLessThanOrEqual(BigInt(lately));
  });

  test("marks and changes of the database that this one was restored from go with the next look for old ones", async () => {
    await db.script(`UPDATE engram.changes_told SET told_from = '4000000000', next = '4000000001';
      INSERT INTO engram.changes (tenant, xid, ids) VALUES ('${tenant}', '4000000000', '{}')`);
    const since = await mark();
    expect(await told(since)).toHaveLength(1);
    expect(await rows.forget()).toEqual({ deleted: 1, more: false });
    const polled = await rows.poll([{ tenant, since }]);
    expect(polled.tenants[0]?.changes).toEqual([]);
    expect(BigInt(polled.toldFrom)).toBeLessThanOrEqual(BigInt(polled.since));
    expect(await rows.forget()).toEqual({ deleted: 0, more: false });
  });

  test("no more changes are told than are taken", async () => {
    const since = await mark();
    await db.query("INSERT INTO engram.changes (tenant, ids) SELECT $1::uuid, '{}' FROM generate_series(1, 2100)", [
      tenant,
    ]);
    expect(await told(since)).toHaveLength(CHANGES_MAX + 1);
  });

  test("a poll goes by keys, however small the tables were when it was planned", async () => {
    await db.script(
      "INSERT INTO engram.changes (tenant, ids) SELECT gen_random_uuid(), '{}' FROM generate_series(1, 20); ANALYZE",
    );
    await db.transaction(async (tx) => {
      const names = [
        "engram.changes",
        "engram.messages",
        "engram.changes_told",
        "public.memories",
        "engram.changes_tenant",
      ];
      const countScans = async (): Promise<readonly number[]> => {
        const counts = await tx.query<{ scans: number }>(
          "SELECT pg_stat_get_xact_numscans(name::regclass) AS scans FROM unnest($1::text[]) WITH ORDINALITY s (name, n) ORDER BY n",
          [names],
        );
        return counts.map(({ scans }) => scans);
      };
      const before = await countScans();
      // First, for the plan that it has in the other one would be kept.
      await tx.query("SELECT engram.talk_waits($1::uuid)", [tenant]);
      await createSearchableRows(tx).poll([{ tenant, since: "1", rows: [{ ...owner, id: tenant, version: 1 }] }]);
      expect((await countScans()).map((scans, at) => scans - (before[at] ?? 0))).toEqual([0, 0, 0, 0, 1]);
    });
  });

  test("whether memories stand is looked up by their keys, though there was no work when that was planned", async () => {
    const id = await put({ content: "Живёт в Казани" });
    await db.query("DELETE FROM engram.outbox");
    await db.query("VACUUM engram.outbox");
    await db.transaction(async (tx) => {
      const within = createSearchableRows(tx);
      const [row] = await within.read(owner, [id]);
      const asked = { tenant, since: "1", rows: [{ ...owner, id, version: row?.version ?? 0 }] };
      await within.poll([asked]);
      await insertMany(tx, 300);
      const countEntries = async (): Promise<number> => {
        const [counted] = await tx.query<{ n: number }>(
          "SELECT pg_stat_get_xact_tuples_returned('engram.outbox_pkey'::regclass)::int AS n",
        );
        return counted?.n ?? Number.NaN;
      };
      const before = await countEntries();
      await within.poll([asked]);
      expect((await countEntries()) - before).toBeLessThanOrEqual(1);
    });
  });

  // One session has no two transactions at once.
  (name === "PostgreSQL" ? describe : describe.skip)("transactions that end in another order than they began", () => {
    test("a change is told after its commit, however many polls were before it", async () => {
      const begin = await mark();
      await whileOpen(
        (tx) => insert(tx, "медленно"),
        async (commit) => {
          await insert(db, "быстро");
          const early = await rows.poll([{ tenant, since: begin }]);
          expect(idsOf(early.tenants[0]?.changes ?? []).size).toBe(1);
          // The quick one is told again as long as the slow one, which began before it, is under way.
          const again = await rows.poll([{ tenant, since: early.since }]);
          expect(again.tenants).toEqual(early.tenants);
          await commit();
          const late = await rows.poll([{ tenant, since: again.since }]);
          expect(idsOf(late.tenants[0]?.changes ?? []).size).toBe(2);
          expect(await told(await mark())).toEqual([]);
        },
      );
    });

    test("what could be seen when the rows were listed is known", async () => {
      await whileOpen(
        (tx) => insert(tx, "медленно"),
        async (commit) => {
          await insert(db, "быстро");
          const listed = await rows.list(owner, 10);
          expect(listed?.ids).toHaveLength(1);
          const again = await told(listed?.since ?? "");
          expect(again.map(({ transaction }) => transaction)).toEqual(listed?.known);
          await commit();
          const fresh = (await told(listed?.since ?? "")).filter(
            ({ transaction }) => listed?.known.includes(transaction) !== true,
          );
          expect(idsOf(fresh).size).toBe(1);
        },
      );
    });

    test("a change that comes while others are forgotten stays", async () => {
      await growOld();
      const begin = await mark();
      let forgetting: Promise<unknown> | undefined;
      await whileOpen(
        (tx) => tx.query("SELECT 1 AS one FROM engram.changes_told FOR UPDATE"),
        async () => {
          forgetting = rows.forget();
          await untilWaits(db);
          await insert(db, "inzwischen");
        },
      );
      await forgetting;
      expect(idsOf(await told(begin)).size).toBe(1);
    });

    test("one that takes longer than changes are told is told for as long as others", async () => {
      let slow = 0n;
      await whileOpen(
        async (tx) => {
          await insert(tx, "очень медленно");
          slow = await lastTransaction(tx);
        },
        async () => {
          for (let quarter = 0; quarter < 3; quarter++) {
            await growOld();
            await rows.forget();
          }
        },
      );
      await growOld();
      await rows.forget();
      const polled = await rows.poll([{ tenant, since: String(slow) }]);
      expect(BigInt(polled.toldFrom)).toBeLessThanOrEqual(slow);
      expect(idsOf(polled.tenants[0]?.changes ?? []).size).toBe(1);
    });

    /** Runs `meanwhile` beside a transaction that has done `work`; that ends by `commit`, else after `meanwhile`. */
    async function whileOpen(
      work: (tx: Executor) => Promise<unknown>,
      meanwhile: (commit: () => Promise<void>) => Promise<void>,
    ): Promise<void> {
      const [begun, ended] = [gate(), gate()];
      const open = db.transaction(async (tx) => {
        await work(tx);
        begun.open();
        await ended.passed;
      });
      const commit = (): Promise<void> => {
        ended.open();
        return open;
      };
      try {
        await Promise.race([begun.passed, open]);
        await meanwhile(commit);
      } finally {
        await commit();
      }
    }
  });
});

async function insert(on: Executor, content: string): Promise<void> {
  await on.query("INSERT INTO memories (user_id, content) VALUES ('u', $1)", [content]);
}

async function insertMany(on: Executor, count: number): Promise<void> {
  await on.query(
    "INSERT INTO memories (user_id, content) SELECT 'u', 'память ' || n FROM generate_series(1, $1::int) n",
    [count],
  );
}

/** The number of the transaction under way, else of a new one: whatever ended before is below it. */
async function lastTransaction(on: Executor): Promise<bigint> {
  const [row] = await on.query<{ xid: string }>("SELECT pg_current_xact_id()::text AS xid");
  return BigInt(row?.xid ?? 0);
}

/** Until somebody waits for a lock. */
async function untilWaits(db: Executor): Promise<void> {
  for (;;) {
    const [row] = await db.query<{ n: number }>(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
    );
    if (row?.n !== 0) return;
  }
}

function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
}
