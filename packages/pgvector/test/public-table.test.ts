import { afterEach, describe, expect, test } from "@jest/globals";
import type { CollectionRef } from "@engram/memory";
import { migrate } from "@engram/postgres";
import { GUIDE_SQL } from "./guide-sql.ts";
import { serverUrl } from "./servers.ts";
import { GUIDE, NEW, OLD, openTableWorld, pointOf, type Row, type TableWorld } from "./table-world.ts";

const { signal } = new AbortController();

(serverUrl === undefined ? describe.skip : describe)("the table that people read", () => {
  let world: TableWorld;
  const open = async (options?: { migrated: boolean }): Promise<TableWorld> => {
    world = await openTableWorld(options);
    return world;
  };
  afterEach(() => world.close());

  test("is made in the guide's shape, with its indexes, and holds what the memories say", async () => {
    await open();
    expect(await world.place(GUIDE)).toBeUndefined();
    const ids = await world.remember(GUIDE, ["Меня зовут Антон"]);
    const id = ids.get("Меня зовут Антон");
    const rows = await world.db.query(
      "SELECT id, user_id, memory, hash, metadata, vector_dims(embedding) AS dims, created_at, updated_at FROM mem0_memories",
    );
    expect(rows).toEqual([
      {
        id,
        user_id: "u",
        memory: "Меня зовут Антон",
        hash: id,
        metadata: { source: "test" },
        dims: 1536,
        created_at: expect.any(Date),
        updated_at: expect.any(Date),
      },
    ]);
    const indexes = await world.read("pg_indexes WHERE tablename = 'mem0_memories'", "indexdef");
    expect(indexes.filter((one) => one.includes("USING hnsw (embedding vector_cosine_ops)"))).toHaveLength(1);
    // The guide's SQL finds all of it and makes nothing twice.
    await world.db.script(GUIDE_SQL);
    expect(await world.read("pg_indexes WHERE tablename = 'mem0_memories'", "indexdef")).toEqual(indexes);
  });

  test("that the guide's reader made by hand is the one that is used, however often it is prepared", async () => {
    const { db } = await open({ migrated: false });
    await db.script(GUIDE_SQL);
    await migrate(db);
    const [before] = await db.query("SELECT 'mem0_memories'::regclass::oid AS oid");
    for (let start = 0; start < 2; start++) expect(await world.place(GUIDE)).toBeUndefined();
    await world.remember(GUIDE, ["раз"]);
    expect(await db.query("SELECT 'mem0_memories'::regclass::oid AS oid")).toEqual([before]);
    expect(await world.read("mem0_memories", "memory")).toEqual(["раз"]);
    // What another program writes there is none of the index's, and no memory.
    await db.script("INSERT INTO mem0_memories (user_id, memory, hash) VALUES ('u', 'чужое', 'x')");
    expect(await world.index.scan(GUIDE, { limit: 10 }, signal)).toHaveLength(1);
    await db.script("DELETE FROM mem0_memories WHERE memory = 'чужое'");
    expect(await world.memories()).toEqual(["раз"]);
  });

  test("of other dimensions: empty it is made to fit, also past what a graph takes; with vectors it stays, and ours stand elsewhere", async () => {
    const { db } = await open();
    await db.script(GUIDE_SQL);
    expect(await world.place({ ...GUIDE, name: "mem0_memories__large__3072", dims: 3072 })).toBeUndefined();
    expect(
      await db.query(
        "SELECT atttypmod AS dims FROM pg_attribute WHERE attrelid = 'mem0_memories'::regclass AND attname = 'embedding'",
      ),
    ).toEqual([{ dims: 3072 }]);

    await db.script(`DROP TABLE mem0_memories CASCADE; ${GUIDE_SQL}
      INSERT INTO mem0_memories (user_id, memory, hash) VALUES ('u', 'чужое', 'h')`);
    expect(await world.place(OLD)).toMatch(
      /^public\.mem0_memories holds vectors of 1536 dimensions, old gives 4, in rows that are not Engram's\. Run "npm run migrate"/,
    );
    await world.remember(OLD, ["наше"]);
    expect(await world.read(`engram.${OLD.name}`, "memory")).toEqual(["наше"]);
    expect(await world.read("mem0_memories", "memory")).toEqual(["чужое"]);
    await db.script("DELETE FROM mem0_memories");
    expect(await world.memories()).toEqual(["наше"]);
    expect(await world.index.publish(OLD)).toBeUndefined();
    expect(await world.read("mem0_memories", "memory")).toEqual(["наше"]);
  });

  test("a row deleted by hand is a deleted memory, in every index, within a longer transaction too", async () => {
    const { db } = await open();
    await world.place(OLD);
    await world.index.prepare(NEW);
    await world.remember(OLD, ["раз", "два", "три", "четыре"]);
    await world.fill(NEW);
    await db.script(
      `BEGIN; DELETE FROM memories WHERE content = 'раз'; DELETE FROM mem0_memories WHERE memory LIKE 'два%'; COMMIT`,
    );
    expect(await world.memories()).toEqual(["три", "четыре"]);
    for (const relation of ["mem0_memories", `engram.${OLD.name}`, `engram.${NEW.name}`])
      expect(await world.read(relation, "memory")).toEqual(["три", "четыре"]);
    expect(await db.query("SELECT event FROM engram.history WHERE snapshot IS NULL")).toHaveLength(2);
    await db.script("DELETE FROM mem0_memories WHERE user_id = 'u'");
    expect(await world.memories()).toEqual([]);
    await world.remember(OLD, ["пять"]);
    await db.script("TRUNCATE memories");
    expect(await world.read("mem0_memories", "memory")).toEqual([]);
  });

  test("rows deleted by hand while they are written leave no point without its memory, lose no other one, and nobody waits in vain", async () => {
    const { db } = await open();
    await world.place(OLD);
    await world.remember(
      OLD,
      Array.from({ length: 60 }, (_, n) => `запись ${n}`),
    );
    const deleting = new AbortController();
    const write = async (): Promise<void> => {
      while (!deleting.signal.aborted) {
        const rows = await db.query<Row>("SELECT id, version, content FROM memories");
        const points = rows.map((row) => pointOf(row, [1, 0, 0, 0]));
        await world.index.upsert(OLD, points, signal);
        await world.index.setPayload(OLD, points, signal);
      }
    };
    const writers = [write(), write()];
    let deleted = 0;
    for (let round = 0; round < 12; round++)
      deleted += (
        await db.query(
          "DELETE FROM mem0_memories WHERE id IN (SELECT id FROM mem0_memories ORDER BY random() LIMIT 3) RETURNING id",
        )
      ).length;
    deleting.abort();
    await Promise.all(writers);
    const [row] = await db.query<{ memories: number; orphans: number }>(
      `SELECT (SELECT count(*)::int FROM memories) AS memories,
        (SELECT count(*)::int FROM mem0_memories v WHERE NOT EXISTS (SELECT FROM memories m WHERE m.id = v.id)) AS orphans`,
    );
    expect(row).toEqual({ memories: 60 - deleted, orphans: 0 });
    expect(deleted).toBeGreaterThan(0);
  }, 60_000);

  test("a point that somebody holds is left for the next claim, and its memory is not held meanwhile", async () => {
    const { db } = await open();
    await world.place(OLD);
    const ids = await world.remember(OLD, ["раз", "два"]);
    const rows = await db.query<Row>("SELECT id, version, content FROM memories");
    const points = rows.map((row) => pointOf(row, [0, 1, 0, 0]));
    await db.transaction(async (tx) => {
      await tx.query("SELECT 1 FROM mem0_memories WHERE memory = 'раз' FOR UPDATE");
      expect(await world.index.upsert(OLD, points, signal)).toEqual([ids.get("два")]);
      expect(await world.index.setPayload(OLD, points, signal)).toEqual([ids.get("два")]);
      // As whoever deletes the point goes on.
      await tx.query("DELETE FROM memories WHERE content = 'раз'");
    });
    expect(await world.memories()).toEqual(["два"]);
  }, 10_000);

  test("what the index itself takes away, replaces or drops costs no memory", async () => {
    const { db } = await open();
    await world.place(OLD);
    const ids = await world.remember(OLD, ["раз", "два"]);
    await world.index.delete(OLD, [ids.get("раз") ?? ""], signal);
    expect(await world.read("mem0_memories", "memory")).toEqual(["два"]);
    expect(await world.memories()).toEqual(["два", "раз"]);
    // The setting ended with its statement.
    await db.script("DELETE FROM mem0_memories");
    expect(await world.memories()).toEqual(["раз"]);
    await world.fill(OLD);
    await world.index.drop(OLD);
    expect(await world.memories()).toEqual(["раз"]);
    expect(await world.read("mem0_memories", "memory")).toEqual([]);
    expect(await world.index.inspect(OLD, signal)).toBeUndefined();
  });

  test("that came without what belongs to it, by a dump of schema public say, is taken without a memory lost", async () => {
    const { db } = await open();
    await world.place(OLD);
    await world.remember(OLD, ["раз", "два"]);
    for (const gone of [
      `DROP VIEW engram.${OLD.name}`,
      `DROP VIEW engram.${OLD.name}; DROP FUNCTION engram.${OLD.name}_follows() CASCADE`,
    ]) {
      await db.script(gone);
      expect(await world.place(OLD)).toBeUndefined();
      expect(await world.memories()).toEqual(["два", "раз"]);
      expect(await world.fill(OLD)).toHaveLength(2);
    }
    // Another model's, whose own table is in the way.
    await db.script(`DROP VIEW engram.${OLD.name}; CREATE TABLE engram.${OLD.name} (LIKE mem0_memories INCLUDING ALL)`);
    expect(await world.place(NEW)).toBeUndefined();
    expect(await world.memories()).toEqual(["два", "раз"]);
    await db.script("DELETE FROM memories WHERE content = 'раз'");
  });

  test("dropped by hand with all that depends on it: nobody's deletion fails, and it is made anew", async () => {
    const { db } = await open();
    await world.place(OLD);
    await world.remember(OLD, ["раз", "два"]);
    await db.script("DROP TABLE mem0_memories CASCADE");
    await db.script("DELETE FROM memories WHERE content = 'раз'");
    expect(await world.index.publish(OLD)).toBeUndefined();
    expect(await world.fill(OLD)).toHaveLength(1);
    expect(await world.read("mem0_memories", "memory")).toEqual(["два"]);
    await db.script("DELETE FROM memories");
    expect(await world.read("mem0_memories", "memory")).toEqual([]);
  });

  test("TRUNCATE loses nothing: every memory gets its work row, and is indexed anew", async () => {
    const { db } = await open();
    await world.place(OLD);
    await world.remember(OLD, ["раз", "два"]);
    await db.script("DELETE FROM engram.outbox; TRUNCATE mem0_memories");
    expect(await world.memories()).toEqual(["два", "раз"]);
    expect(await world.db.query("SELECT 1 FROM engram.outbox WHERE topic LIKE 'index:%'")).toHaveLength(2);
  });

  test("another model: its table takes the place, the old one is kept in schema engram, and the way back is open", async () => {
    const { db } = await open();
    await db.script(GUIDE_SQL);
    await world.place(OLD);
    await world.remember(OLD, ["раз", "два"]);
    await world.index.prepare(NEW);
    await world.fill(NEW);
    const dims = async () =>
      (await db.query<{ dims: number }>("SELECT DISTINCT vector_dims(embedding) AS dims FROM mem0_memories")).map(
        (row) => row.dims,
      );
    expect(await dims()).toEqual([4]);
    expect(await world.index.publish(NEW)).toBeUndefined();
    expect(await dims()).toEqual([3]);
    expect(await world.index.scan(OLD, { limit: 10 }, signal)).toHaveLength(2);
    // A worker that has not heard of it yet writes where the old ones are.
    await world.fill(OLD);
    expect(await dims()).toEqual([3]);

    expect(await world.index.publish(OLD)).toBeUndefined();
    expect(await dims()).toEqual([4]);
    expect(await world.index.publish(NEW)).toBeUndefined();
    await world.index.drop(OLD);
    await db.script("DELETE FROM mem0_memories WHERE memory = 'раз'");
    expect(await world.memories()).toEqual(["два"]);
    expect(await world.index.scan(NEW, { limit: 10 }, signal)).toHaveLength(1);
  });

  test("while one model's table takes the other's place, whoever writes meets its own", async () => {
    const { db } = await open();
    const twin = { ...OLD, name: "mem0_memories__twin__4" };
    await world.place(OLD);
    await world.index.prepare(twin);
    const ids = [
      ...(
        await world.remember(
          OLD,
          Array.from({ length: 20 }, (_, n) => `запись ${n}`),
        )
      ).values(),
    ];
    const swapping = new AbortController();
    const write = async (collection: CollectionRef, direction: number): Promise<void> => {
      while (!swapping.signal.aborted) {
        const rows = await db.query<Row>("SELECT id, version, content FROM memories");
        const vector = [direction, 1, 0, 0];
        await world.index.upsert(
          collection,
          rows.map((row) => pointOf(row, vector)),
          signal,
        );
      }
    };
    const writers = [write(OLD, 1), write(twin, -1)];
    for (let swap = 0; swap < 10; swap++) {
      // One that could not have the lock in time says so, and nothing has moved.
      await world.index.publish(swap % 2 === 0 ? twin : OLD);
    }
    swapping.abort();
    await Promise.all(writers);
    for (const [collection, direction] of [
      [OLD, "1"],
      [twin, "-1"],
    ] as const)
      expect(await world.read(`engram.${collection.name}`, "DISTINCT embedding::text")).toEqual([
        `[${direction},1,0,0]`,
      ]);
    expect(ids).toHaveLength(20);
  }, 60_000);
});
