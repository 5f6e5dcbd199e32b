import { beforeEach, expect, test } from "@jest/globals";
import { contentHash, DEFAULT_PROJECT_ID, tenantOf, uuidv7, type Memory, type MemoryDraft } from "@engram/memory";
import { createIndexableRows, createMemoryStore, createOutbox } from "../src/index.ts";
import { describeOnDatabases } from "./databases.ts";
import { draft } from "./draft.ts";

const TARGET = "main";

describeOnDatabases("rows beside the index", (db) => {
  beforeEach(() => db.script("DELETE FROM memories; DELETE FROM engram.outbox"));

  const rows = () => createIndexableRows(db);
  const put = async (...given: readonly Partial<MemoryDraft>[]): Promise<readonly Memory[]> =>
    (await createMemoryStore(db).putMemories(given.map((one) => draft(one)))).map((one) => one.memory);
  /** Two rows and nothing else, in the order of their ids. */
  const putTwo = async (): Promise<readonly [Memory, Memory]> => {
    const [one, two] = await put({ content: "раз" }, { content: "два" });
    if (one === undefined || two === undefined) throw new Error("nothing was put");
    return [one, two];
  };
  const work = async () => db.query("SELECT key, topic, lane, gen, fair FROM engram.outbox ORDER BY key");
  const settle = () => db.script("DELETE FROM engram.outbox");

  test("hash and tenant are those that the index is given, whatever the text and the owner", async () => {
    const texts = [
      "plain",
      "Пользователь живёт в Казани",
      'emoji 🧠, "quotes", back\\slash, tab\t, line\nfeed',
      "x".repeat(60_000),
    ];
    const owners = [
      { userId: 'Ан"тон\\\u2028\u0001' },
      { userId: null, agentId: "бот", level: "agent" as const },
      { userId: "u" },
    ];
    await put(...texts.flatMap((content) => owners.map((owner) => ({ ...owner, content }))));
    const scanned = await rows().scan({ limit: 100 });
    const indexable = await createMemoryStore(db).readIndexable(scanned.map(({ id }) => id));
    expect(scanned).toHaveLength(texts.length * owners.length);
    expect(scanned).toEqual(
      indexable
        .map(({ id, version, tenant, content }) => ({
          id,
          version,
          tenant,
          hash: contentHash(content),
          expired: false,
        }))
        .toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    );
    expect(new Set(scanned.map(({ tenant }) => tenant))).toContain(
      tenantOf({ projectId: DEFAULT_PROJECT_ID, userId: null, agentId: "бот" }),
    );
  });

  test("a scan gives every row once, in the order of ids, retired and expired ones too", async () => {
    await put(...Array.from({ length: 5 }, (_, i) => ({ content: `факт ${i}` })));
    await put({ content: "тёмная", key: "theme" });
    await put({ content: "светлая", key: "theme" });
    await put({ content: "прошло", expiresAt: new Date(Date.now() - 1000) });
    const ids: string[] = [];
    let expired = 0;
    for (;;) {
      const after = ids.at(-1);
      const page = await rows().scan({ limit: 3, ...(after === undefined ? {} : { after }) });
      ids.push(...page.map(({ id }) => id));
      expired += page.filter((row) => row.expired).length;
      if (page.length < 3) break;
    }
    expect(ids).toEqual((await db.query("SELECT id FROM memories ORDER BY id")).map((row) => row["id"]));
    expect(ids).toHaveLength(8);
    expect(expired).toBe(1);
  });

  test("examined: the row as it is, and whether work waits for it or is parked", async () => {
    const [idle, waiting, parked] = (await put({ content: "раз" }, { content: "два" }, { content: "три" })).map(
      ({ id }) => id,
    );
    const absent = uuidv7();
    await db.query("DELETE FROM engram.outbox WHERE key = $1::uuid", [idle]);
    await db.query("UPDATE engram.outbox SET parked_at = now() WHERE key = $1::uuid", [parked]);
    const examined = await rows().examine(TARGET, [idle, waiting, parked, absent].map(String));
    expect(new Map(examined.map((one) => [one.id, [one.row?.id, one.work]]))).toEqual(
      new Map([
        [idle, [idle, "none"]],
        [waiting, [waiting, "waiting"]],
        [parked, [parked, "parked"]],
        [absent, [undefined, "none"]],
      ]),
    );
  });

  test("touched: rows as they were seen and absent ones get work in the slow lane, their owner's turn kept", async () => {
    const [one, two] = await putTwo();
    const [before] = await work();
    await settle();
    const absent = uuidv7();
    const seen = [
      { id: one.id, version: one.version },
      { id: two.id, version: two.version - 1 }, // changed meanwhile
      { id: absent, version: null },
    ];
    expect((await rows().touch(TARGET, seen)).toSorted()).toEqual([one.id, absent].toSorted());
    expect(await work()).toEqual([
      { key: one.id, topic: "index:main", lane: 1, gen: 1, fair: before?.["fair"] },
      { key: absent, topic: "index:main", lane: 1, gen: 1, fair: 0 },
    ]);
  });

  test("touched: a row that appeared meanwhile, one with work already, parked work and a retired target are left alone", async () => {
    const [one, two] = await putTwo();
    const { version } = one;
    expect(await rows().touch(TARGET, [{ id: one.id, version }])).toEqual([]);
    await db.script("UPDATE engram.outbox SET parked_at = now(), error = 'invalid: poison'");
    expect(await rows().touch(TARGET, [{ id: one.id, version }])).toEqual([]);
    expect(await createOutbox(db).depth()).toMatchObject([{ pending: 0, parked: 2 }]);
    await settle();
    expect(await rows().touch(TARGET, [{ id: two.id, version: null }])).toEqual([]);
    await db.script("INSERT INTO engram.index_targets (name, state) VALUES ('retired-long-ago', 'retired')");
    expect(await rows().touch("retired-long-ago", [{ id: one.id, version }])).toEqual([]);
    expect(await work()).toEqual([]);
  });

  test("touched: more than a chunk", async () => {
    const seen = Array.from({ length: 1_203 }, () => ({ id: uuidv7(), version: null }));
    expect(await rows().touch(TARGET, seen)).toHaveLength(1_203);
    expect(await rows().touch(TARGET, seen)).toHaveLength(0);
  });

  test("versions move past what the index holds, and never back", async () => {
    const nextVersion = async () =>
      (await db.query<{ v: number }>("SELECT nextval('engram.memory_version') AS v"))[0]?.v ?? 0;
    const now = await nextVersion();
    expect(await rows().advanceVersions(now)).toBe(false);
    expect(await rows().advanceVersions(now - 1)).toBe(false);
    expect(await nextVersion()).toBe(now + 1);
    expect(await rows().advanceVersions(now + 50)).toBe(true);
    expect(await nextVersion()).toBeGreaterThan(now + 50);
    expect(await rows().advanceVersions(now + 50)).toBe(false);
    // A sequence that has given no number yet would give its first one.
    await db.script("SELECT setval('engram.memory_version', 1, false)");
    expect(await rows().advanceVersions(1)).toBe(true);
    expect(await nextVersion()).toBeGreaterThan(1);
  });
});
