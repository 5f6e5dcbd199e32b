import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, test } from "@jest/globals";
import { contentHash, DEFAULT_PROJECT_ID, tenantOf, type CollectionRef, type VectorIndex } from "@engram/memory";
import { migrate } from "@engram/postgres";
import type { Executor } from "@engram/sql";
import { createPgvectorIndex } from "../src/index.ts";
import { GUIDE_SQL } from "./guide-sql.ts";
import { openServer, serverUrl, type Server } from "./servers.ts";

const OLD = { name: "mem0_memories__old__4", model: "old", dims: 4 };
const NEW = { name: "mem0_memories__new__3", model: "new", dims: 3 };
const GUIDE = { name: "mem0_memories__text_embedding_3_small__1536", model: "text-embedding-3-small", dims: 1536 };
const { signal } = new AbortController();

(serverUrl === undefined ? describe.skip : describe)("the table that people read", () => {
  let server: Server;
  let index: VectorIndex;
  const open = async (options?: { migrated: boolean }): Promise<Executor> => {
    server = await openServer(options);
    index = createPgvectorIndex(server.db, { publishAs: "mem0_memories" });
    return server.db;
  };
  afterEach(() => server.close());

  const place = async (collection: CollectionRef): Promise<string | undefined> => {
    await index.prepare(collection);
    return index.publish(collection);
  };
  /** Memories and their points, the id of each by its content. */
  const remember = async (collection: CollectionRef, contents: readonly string[]): Promise<Map<string, string>> => {
    const rows = await server.db.query<{ id: string; version: number; content: string }>(
      `INSERT INTO memories (user_id, content, metadata) SELECT 'u', c, '{"source":"test"}' FROM unnest($1::text[]) AS c RETURNING id, version, content`,
      [contents],
    );
    await fill(collection, rows);
    return new Map(rows.map(({ id, content }) => [content, id]));
  };
  const fill = async (
    collection: CollectionRef,
    rows: readonly { id: string; version: number; content: string }[],
  ): Promise<void> => {
    const tenant = tenantOf({ projectId: DEFAULT_PROJECT_ID, userId: "u", agentId: null });
    const points = rows.map(({ id, version, content }) => ({
      memory: { id, version, tenant, content } as never,
      hash: contentHash(content),
      vector: Array.from({ length: collection.dims }, (_, i) => (i === 0 ? 1 : 0)),
    }));
    expect(await index.upsert(collection, points, signal)).toHaveLength(rows.length);
  };
  const contents = async (relation: string, column: string): Promise<readonly string[]> =>
    (await server.db.query<{ c: string }>(`SELECT ${column} AS c FROM ${relation} ORDER BY 1`)).map(({ c }) => c);
  const memories = () => contents("memories", "content");
  const dirty = () => server.db.query("SELECT key FROM engram.outbox WHERE topic LIKE 'index:%'");

  test("is made in the guide's shape, with its indexes, and holds what the memories say", async () => {
    await open();
    expect(await place(GUIDE)).toBeUndefined();
    const ids = await remember(GUIDE, ["Меня зовут Антон"]);
    const id = ids.get("Меня зовут Антон");
    const rows = await server.db.query(
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
    const indexes = await contents("pg_indexes WHERE tablename = 'mem0_memories'", "indexdef");
    expect(indexes.filter((one) => one.includes("USING hnsw (embedding vector_cosine_ops)"))).toHaveLength(1);
    // The guide's SQL finds all of it and makes nothing twice.
    await server.db.script(GUIDE_SQL);
    expect(await contents("pg_indexes WHERE tablename = 'mem0_memories'", "indexdef")).toEqual(indexes);
  });

  test("that the guide's reader made by hand is the one that is used, however often it is prepared", async () => {
    const db = await open({ migrated: false });
    await db.script(GUIDE_SQL);
    await migrate(db);
    const [before] = await db.query("SELECT 'mem0_memories'::regclass::oid AS oid");
    for (let start = 0; start < 2; start++) expect(await place(GUIDE)).toBeUndefined();
    await remember(GUIDE, ["раз"]);
    expect(await db.query("SELECT 'mem0_memories'::regclass::oid AS oid")).toEqual([before]);
    expect(await contents("mem0_memories", "memory")).toEqual(["раз"]);
    // What another program writes there is none of the index's, and no memory.
    await db.script("INSERT INTO mem0_memories (user_id, memory, hash) VALUES ('u', 'чужое', 'x')");
    expect(await index.scan(GUIDE, { limit: 10 }, signal)).toHaveLength(1);
    await db.script("DELETE FROM mem0_memories WHERE memory = 'чужое'");
    expect(await memories()).toEqual(["раз"]);
  });

  test("of other dimensions: empty it is made to fit, also past what a graph takes; with vectors it stays, and ours stand elsewhere", async () => {
    const db = await open();
    await db.script(GUIDE_SQL);
    expect(await place({ ...GUIDE, name: "mem0_memories__large__3072", dims: 3072 })).toBeUndefined();
    expect(
      await db.query(
        "SELECT atttypmod AS dims FROM pg_attribute WHERE attrelid = 'mem0_memories'::regclass AND attname = 'embedding'",
      ),
    ).toEqual([{ dims: 3072 }]);

    await db.script(`DROP TABLE mem0_memories CASCADE; ${GUIDE_SQL}
      INSERT INTO mem0_memories (user_id, memory, hash) VALUES ('u', 'чужое', 'h')`);
    expect(await place(OLD)).toMatch(
      /^public\.mem0_memories holds vectors of 1536 dimensions, old gives 4, in rows that are not Engram's\. Run "npm run migrate"/,
    );
    await remember(OLD, ["наше"]);
    expect(await contents(`engram.${OLD.name}`, "memory")).toEqual(["наше"]);
    expect(await contents("mem0_memories", "memory")).toEqual(["чужое"]);
    await db.script("DELETE FROM mem0_memories");
    expect(await memories()).toEqual(["наше"]);
    expect(await index.publish(OLD)).toBeUndefined();
    expect(await contents("mem0_memories", "memory")).toEqual(["наше"]);
  });

  test("a row deleted by hand is a deleted memory, in every index, within a longer transaction too", async () => {
    const db = await open();
    await place(OLD);
    await index.prepare(NEW);
    await remember(OLD, ["раз", "два", "три", "четыре"]);
    await fill(NEW, await db.query("SELECT id, version, content FROM memories"));
    await db.script(
      `BEGIN; DELETE FROM memories WHERE content = 'раз'; DELETE FROM mem0_memories WHERE memory LIKE 'два%'; COMMIT`,
    );
    expect(await memories()).toEqual(["три", "четыре"]);
    for (const relation of ["mem0_memories", `engram.${OLD.name}`, `engram.${NEW.name}`])
      expect(await contents(relation, "memory")).toEqual(["три", "четыре"]);
    expect(await db.query("SELECT event FROM engram.history WHERE snapshot IS NULL")).toHaveLength(2);
    await db.script("DELETE FROM mem0_memories WHERE user_id = 'u'");
    expect(await memories()).toEqual([]);
    await remember(OLD, ["пять"]);
    await db.script("TRUNCATE memories");
    expect(await contents("mem0_memories", "memory")).toEqual([]);
  });

  test("rows deleted by hand while they are written leave no point without its memory, lose no other one, and nobody waits in vain", async () => {
    const db = await open();
    await place(OLD);
    await remember(
      OLD,
      Array.from({ length: 60 }, (_, n) => `запись ${n}`),
    );
    const deleting = new AbortController();
    const write = async (): Promise<void> => {
      while (!deleting.signal.aborted) {
        const rows = await db.query<{ id: string; version: number }>("SELECT id, version FROM memories");
        const points = rows.map((memory) => ({ memory: memory as never, hash: "h", vector: [1, 0, 0, 0] }));
        await index.upsert(OLD, points, signal);
        await index.setPayload(OLD, points, signal);
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
    const db = await open();
    await place(OLD);
    const ids = await remember(OLD, ["раз", "два"]);
    const points = (await db.query<{ id: string; version: number }>("SELECT id, version FROM memories")).map(
      (memory) => ({
        memory: memory as never,
        hash: contentHash("раз"),
        vector: [0, 1, 0, 0],
      }),
    );
    await db.transaction(async (tx) => {
      await tx.query("SELECT 1 FROM mem0_memories WHERE memory = 'раз' FOR UPDATE");
      expect(await index.upsert(OLD, points, signal)).toEqual([ids.get("два")]);
      expect(await index.setPayload(OLD, points, signal)).toEqual([ids.get("два")]);
      // As whoever deletes the point goes on.
      await tx.query("DELETE FROM memories WHERE content = 'раз'");
    });
    expect(await memories()).toEqual(["два"]);
  }, 10_000);

  test("what the index itself takes away, replaces or drops costs no memory", async () => {
    const db = await open();
    await place(OLD);
    const ids = await remember(OLD, ["раз", "два"]);
    await index.delete(OLD, [ids.get("раз") ?? ""], signal);
    expect(await contents("mem0_memories", "memory")).toEqual(["два"]);
    expect(await memories()).toEqual(["два", "раз"]);
    // The setting ended with its statement.
    await db.script("DELETE FROM mem0_memories");
    expect(await memories()).toEqual(["раз"]);
    await fill(OLD, await db.query("SELECT id, version, content FROM memories"));
    await index.drop(OLD);
    expect(await memories()).toEqual(["раз"]);
    expect(await contents("mem0_memories", "memory")).toEqual([]);
    expect(await index.inspect(OLD, signal)).toBeUndefined();
  });

  test("TRUNCATE loses nothing: every memory gets its work row, and is indexed anew", async () => {
    const db = await open();
    await place(OLD);
    await remember(OLD, ["раз", "два"]);
    await db.script("DELETE FROM engram.outbox; TRUNCATE mem0_memories");
    expect(await memories()).toEqual(["два", "раз"]);
    expect(await dirty()).toHaveLength(2);
  });

  test("another model: its table takes the place, the old one is kept in schema engram, and the way back is open", async () => {
    const db = await open();
    await db.script(GUIDE_SQL);
    await place(OLD);
    await remember(OLD, ["раз", "два"]);
    await index.prepare(NEW);
    await fill(NEW, await db.query("SELECT id, version, content FROM memories"));
    const dims = async () =>
      (await db.query<{ dims: number }>("SELECT DISTINCT vector_dims(embedding) AS dims FROM mem0_memories")).map(
        (row) => row.dims,
      );
    expect(await dims()).toEqual([4]);
    expect(await index.publish(NEW)).toBeUndefined();
    expect(await dims()).toEqual([3]);
    expect(await index.scan(OLD, { limit: 10 }, signal)).toHaveLength(2);
    // A worker that has not heard of it yet writes where the old ones are.
    await fill(OLD, await db.query("SELECT id, version, content FROM memories"));
    expect(await dims()).toEqual([3]);

    expect(await index.publish(OLD)).toBeUndefined();
    expect(await dims()).toEqual([4]);
    expect(await index.publish(NEW)).toBeUndefined();
    await index.drop(OLD);
    await db.script("DELETE FROM mem0_memories WHERE memory = 'раз'");
    expect(await memories()).toEqual(["два"]);
    expect(await index.scan(NEW, { limit: 10 }, signal)).toHaveLength(1);
  });

  test("while one model's table takes the other's place, whoever writes meets its own", async () => {
    const db = await open();
    const twin = { ...OLD, name: "mem0_memories__twin__4" };
    await place(OLD);
    await index.prepare(twin);
    const ids = [
      ...(
        await remember(
          OLD,
          Array.from({ length: 20 }, (_, n) => `запись ${n}`),
        )
      ).values(),
    ];
    const swapping = new AbortController();
    const write = async (collection: CollectionRef, direction: number): Promise<void> => {
      while (!swapping.signal.aborted) {
        const rows = await db.query<{ id: string; version: number }>("SELECT id, version FROM memories");
        const vector = [direction, 1, 0, 0];
        await index.upsert(
          collection,
          rows.map((memory) => ({ memory: memory as never, hash: "h", vector })),
          signal,
        );
      }
    };
    const writers = [write(OLD, 1), write(twin, -1)];
    for (let swap = 0; swap < 10; swap++) {
      // One that could not have the lock in time says so, and nothing has moved.
      await index.publish(swap % 2 === 0 ? twin : OLD);
    }
    swapping.abort();
    await Promise.all(writers);
    for (const [collection, direction] of [
      [OLD, "1"],
      [twin, "-1"],
    ] as const)
      expect(await contents(`engram.${collection.name}`, "DISTINCT embedding::text")).toEqual([`[${direction},1,0,0]`]);
    expect(ids).toHaveLength(20);
  }, 60_000);

  test("another program's table, somebody else's, and a schema without rights are each told with their cure", async () => {
    const db = await open();
    const role = `engram_poor_${randomBytes(4).toString("hex")}`;
    await db.script(`CREATE ROLE ${role} LOGIN; CREATE TABLE mem0_memories (id int)`);
    expect(await place(OLD)).toBe("public.mem0_memories is another program's. Set MEM0_COLLECTION_NAME to a new name");
    await db.script(`DROP TABLE mem0_memories; ${GUIDE_SQL}
      ALTER SCHEMA engram OWNER TO ${role}`);
    const tables = await db.query<{ name: string }>(
      "SELECT oid::regclass::text AS name FROM pg_class WHERE relnamespace = 'engram'::regnamespace AND relkind = 'r' UNION ALL SELECT 'public.memories'",
    );
    for (const { name } of tables) await db.script(`ALTER TABLE ${name} OWNER TO ${role}`);
    const poor = createPgvectorIndex(server.connect(role), { publishAs: "mem0_memories" });
    expect(await poor.publish(OLD)).toBe(
      `public.mem0_memories belongs to another role. As its owner run: ALTER TABLE public.mem0_memories OWNER TO ${role};`,
    );
    await db.script(`ALTER TABLE mem0_memories OWNER TO ${role}`);
    await poor.prepare(NEW);
    expect(await poor.publish(NEW)).toMatch(
      /permission denied for schema public\. As the owner of schema public run: GRANT/,
    );
    await db.script("DROP TABLE mem0_memories");
    expect(await poor.publish(OLD)).toBe(
      `public.mem0_memories cannot be made: permission denied for schema public. As the owner of schema public run: GRANT USAGE, CREATE ON SCHEMA public TO ${role};`,
    );
    await db.script(`GRANT USAGE, CREATE ON SCHEMA public TO ${role}`);
    expect(await poor.publish(OLD)).toBeUndefined();
    await db.script(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
  });

  test("is shut to Supabase's anon and authenticated, whoever made it", async () => {
    const db = await open();
    await db.script(`${GUIDE_SQL} DO $$ BEGIN CREATE ROLE anon NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      GRANT ALL ON mem0_memories TO anon; GRANT USAGE ON SCHEMA public TO anon`);
    await place(OLD);
    const rights = async (relation: string) =>
      (
        await db.query<{ some: boolean }>(
          `SELECT has_table_privilege('anon', '${relation}', 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE') AS some`,
        )
      )[0]?.some;
    expect(await rights("public.mem0_memories")).toBe(false);
    expect(await rights(`engram.${OLD.name}`)).toBe(false);
    expect(await db.query("SELECT relrowsecurity AS rls FROM pg_class WHERE oid = 'mem0_memories'::regclass")).toEqual([
      { rls: true },
    ]);
    await db.script("DROP OWNED BY anon");
  });
});
