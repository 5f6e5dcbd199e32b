import { readFile } from "node:fs/promises";
import { describe, expect, test } from "@jest/globals";
import { DEFAULT_PROJECT_ID, tenantOf, type CollectionRef } from "@engram/memory";
import { vectorIndexContract, type SeededMemory } from "@engram/memory/contracts/vector-index";
import { openPGlite } from "@engram/pglite";
import { createPool, migrate } from "@engram/postgres";
import type { Executor } from "@engram/sql";
import { createTestDatabase } from "@engram/test-equipment";
import { createPgvectorIndex } from "../src/index.ts";
import { GUIDE_SQL } from "./guide-sql.ts";

const collection = { name: "contract__model__4", model: "model", dims: 4 };

vectorIndexContract("pgvector on PGlite", async () => over(await openPGlite()));

const serverUrl = process.env["ENGRAM_TEST_DATABASE_URL"];
if (serverUrl !== undefined) {
  vectorIndexContract("pgvector on PostgreSQL", async () => over(await openServer(serverUrl)));
  vectorIndexContract("pgvector in the public table", async () => published(await openServer(serverUrl)));
  vectorIndexContract("pgvector in the table that was made by hand, with rows of others", async () => {
    const db = await openServer(serverUrl);
    await db.script(`${GUIDE_SQL.replace("1536", "4")}
      INSERT INTO mem0_memories (user_id, memory, hash, embedding) SELECT 'user-' || n, 'Чужое', n, '[1,0,0,0]' FROM generate_series(1, 30) n`);
    return published(db);
  });
}

describe("pgvector follows its table in the same commit", () => {
  test("a deleted or truncated row takes its vector with it", async () => {
    const under = await over(await openPGlite());
    try {
      await under.index.prepare(collection);
      await under.db.script(`INSERT INTO memories (user_id, content) VALUES ('u', 'раз'), ('u', 'два');
        INSERT INTO engram.${collection.name} (id, user_id, memory, hash, version, embedding)
          SELECT id, user_id, content, id, version, '[1,0,0,0]' FROM memories;
        DELETE FROM memories WHERE content = 'раз'`);
      expect(await under.db.query(`SELECT count(*)::int AS n FROM engram.${collection.name}`)).toEqual([{ n: 1 }]);
      await under.db.script("TRUNCATE memories");
      expect(await under.db.query(`SELECT count(*)::int AS n FROM engram.${collection.name}`)).toEqual([{ n: 0 }]);
    } finally {
      await under.close();
    }
  });

  test.each([
    [1536, true],
    [3072, false],
  ])("vectors of %i dimensions lie in their rows: %p", async (dims, isInline) => {
    const under = await over(await openPGlite());
    try {
      await under.index.prepare({ ...collection, dims });
      const [row] = await under.db.query<{ id: string; version: number }>(
        "INSERT INTO memories (user_id, content) VALUES ('u', 'раз') RETURNING id, version",
      );
      const vector = new Array<number>(dims).fill(1);
      const points = [{ memory: row as unknown as SeededMemory, hash: "h", vector }];
      await under.index.upsert({ ...collection, dims }, points, new AbortController().signal);
      const [outside] = await under.db.query<{ bytes: number }>(
        `SELECT pg_relation_size(reltoastrelid)::int AS bytes FROM pg_class WHERE oid = 'engram.${collection.name}'::regclass`,
      );
      expect(outside?.bytes === 0).toBe(isInline);
    } finally {
      await under.close();
    }
  });

  test("an upsert that comes after its row was deleted writes nothing, however late", async () => {
    const under = await over(await openPGlite());
    try {
      await under.index.prepare(collection);
      const [row] = await under.db.query<{ id: string; version: number }>(
        "INSERT INTO memories (user_id, content) VALUES ('u', 'раз') RETURNING id, version",
      );
      const points = [{ memory: row as unknown as SeededMemory, hash: "h", vector: [1, 0, 0, 0] }];
      const { signal } = new AbortController();
      expect(await under.index.upsert(collection, points, signal)).toEqual([row?.id]);
      await under.db.script("DELETE FROM memories");
      expect(await under.index.upsert(collection, points, signal)).toEqual([]);
      expect(await under.index.scan(collection, { limit: 1 }, signal)).toEqual([]);
    } finally {
      await under.close();
    }
  });

  test("a vector of zeros is like nothing, and one that was taken away by hand is not there", async () => {
    const under = await over(await openPGlite());
    try {
      await under.index.prepare(collection);
      const rows = await under.db.query<{ id: string; version: number; content: string }>(
        "INSERT INTO memories (user_id, content) VALUES ('u', 'раз'), ('u', 'ноль'), ('u', 'без') RETURNING id, version, content",
      );
      const tenant = tenantOf({ projectId: DEFAULT_PROJECT_ID, userId: "u", agentId: null });
      const { signal } = new AbortController();
      await under.index.upsert(
        collection,
        rows.map((row) => ({
          memory: { ...row, tenant } as unknown as SeededMemory,
          hash: "h",
          vector: row.content === "ноль" ? [0, 0, 0, 0] : [1, 0, 0, 0],
        })),
        signal,
      );
      await under.db.script(`UPDATE engram.${collection.name} SET embedding = NULL WHERE memory = 'без'`);
      const hits = await under.index.search(
        collection,
        {
          vector: [1, 0, 0, 0],
          filter: { scope: { projectId: DEFAULT_PROJECT_ID, userId: "u", exact: false } },
          tenants: [tenant],
          limit: 10,
          now: new Date(),
        },
        signal,
      );
      expect(hits.map(({ id, cosine }) => [rows.find((row) => row.id === id)?.content, cosine])).toEqual([
        ["раз", 1],
        ["ноль", 0],
      ]);
    } finally {
      await under.close();
    }
  });

  test("of a table that was never analysed a user's rows are looked at one by one, and only until there are enough", async () => {
    const under = await over(await openPGlite());
    try {
      await under.index.prepare(collection);
      const tenant = tenantOf({ projectId: DEFAULT_PROJECT_ID, userId: "u", agentId: null });
      await under.db
        .script(`INSERT INTO memories (user_id, content) SELECT 'u', 'память ' || n FROM generate_series(1, 1000) n;
        INSERT INTO engram.${collection.name} (id, user_id, memory, hash, version, tenant, embedding)
          SELECT id, user_id, content, id, version, '${tenant}', '[1,0,0,0]' FROM memories`);
      const read = async (): Promise<number> => {
        const [row] = await under.db.query<{ n: number }>(
          "SELECT idx_tup_read::int AS n, pg_stat_force_next_flush() FROM pg_stat_user_indexes WHERE relid = 'public.memories'::regclass AND indexrelname = 'idx_memories_user_id'",
        );
        return row?.n ?? Number.NaN;
      };
      await read();
      const before = await read();
      const filter = { scope: { projectId: DEFAULT_PROJECT_ID, userId: "u", exact: false } };
      const query = { vector: [1, 0, 0, 0], filter, tenants: [tenant], limit: 10, now: new Date() };
      expect(await under.index.search(collection, query, new AbortController().signal)).toHaveLength(10);
      await read();
      expect(await read()).toBe(before);
    } finally {
      await under.close();
    }
  });

  test("vectors that an older version wrote learn whose they are", async () => {
    const under = await over(await openPGlite());
    try {
      const [tenants, shape] = await Promise.all([migration("0006-erasures"), migration("0040-vectors-table")]);
      await under.db.script(`INSERT INTO memories (user_id, content) VALUES ('u', 'раз'), ('другой', 'два');
        CREATE TABLE engram.${collection.name} (id uuid PRIMARY KEY, version bigint NOT NULL, hash text NOT NULL, embedding vector(4) NOT NULL);
        INSERT INTO engram.${collection.name} SELECT id, version, 'h', '[1,0,0,0]' FROM memories;
        ${tenants.slice(tenants.indexOf("DO $$"))}
        ${shape.slice(shape.indexOf("DO $$"), shape.indexOf("END $$;"))} END $$;`);
      await under.index.prepare(collection);
      expect(
        await under.db.query(
          `SELECT user_id, memory, hash = id::text AS is_own, fingerprint FROM engram.${collection.name}`,
        ),
      ).toEqual([
        { user_id: "u", memory: "раз", is_own: true, fingerprint: "h" },
        { user_id: "другой", memory: "два", is_own: true, fingerprint: "h" },
      ]);
      const tenant = tenantOf({ projectId: DEFAULT_PROJECT_ID, userId: "u", agentId: null });
      const listed = await under.index.listTenant(collection, { tenant, limit: 10 }, new AbortController().signal);
      expect(listed).toEqual(
        (await under.db.query("SELECT id FROM memories WHERE user_id = 'u'")).map((row) => row["id"]),
      );
    } finally {
      await under.close();
    }
  });

  test("a vector of a version that is past is not written", async () => {
    const under = await over(await openPGlite());
    try {
      await under.index.prepare(collection);
      const [row] = await under.db.query<{ id: string; version: number }>(
        "INSERT INTO memories (user_id, content) VALUES ('u', 'раз') RETURNING id, version",
      );
      const tenant = tenantOf({ projectId: DEFAULT_PROJECT_ID, userId: "u", agentId: null });
      const memory = { id: row?.id ?? "", version: (row?.version ?? 0) - 1, tenant } as SeededMemory;
      expect(
        await under.index.upsert(
          collection,
          [{ memory, hash: "h", vector: [1, 0, 0, 0] }],
          new AbortController().signal,
        ),
      ).toEqual([]);
    } finally {
      await under.close();
    }
  });
});

function migration(name: string): Promise<string> {
  return readFile(new URL(`../../postgres/migrations/${name}.sql`, import.meta.url), "utf8");
}

async function openServer(url: string): Promise<Executor> {
  const database = await createTestDatabase(url);
  const db = createPool({
    connectionString: database.url,
    size: 4,
    statementTimeoutMs: 30_000,
    onError: () => undefined,
  });
  return {
    ...db,
    async close() {
      await db.close();
      await database.drop();
    },
  };
}

async function over(db: Executor) {
  await migrate(db);
  return {
    db,
    index: createPgvectorIndex(db),
    collection,
    keepsTenants: false,
    seed: (memories: readonly SeededMemory[]) => seed(db, memories),
    close: () => db.close(),
  };
}

/** The contract's collection is the live one, and stands in public; others stand where they are made. */
async function published(db: Executor) {
  const under = await over(db);
  const index = createPgvectorIndex(db, { publishAs: "mem0_memories" });
  const prepare = async (given: CollectionRef): Promise<void> => {
    await index.prepare(given);
    if (given.name === collection.name) expect(await index.publish(given)).toBeUndefined();
  };
  return { ...under, index: { ...index, prepare } };
}

/** Rows with the versions that the points name; the trigger would count its own on an UPDATE, so a changed row is made anew. */
async function seed(db: Executor, memories: readonly SeededMemory[]): Promise<void> {
  for (const one of memories) {
    // Its vector must survive: the triggers stay silent for as long as the row is exchanged.
    await db.transaction(async (tx) => {
      await tx.script("ALTER TABLE memories DISABLE TRIGGER USER");
      await tx.query("DELETE FROM memories WHERE id = $1::uuid", [one.id]);
      await tx.query(
        `INSERT INTO memories (id, project_id, user_id, level, type, key, content, session_id, agent_id, session_ids, agent_ids, created_at, expires_at, valid_from, valid_to, version)
         VALUES ($1::uuid, $2::uuid, $3, $4, $5, $6, $7, $8, $9, $10::text[], $11::text[], $12::timestamptz, $13::timestamptz, $14::timestamptz, $15::timestamptz, $16::bigint)`,
        [
          one.id,
          one.projectId,
          one.userId,
          one.level,
          one.type,
          one.key,
          one.content,
          one.sessionIds[0] ?? null,
          one.agentIds[0] ?? null,
          one.sessionIds,
          one.agentIds,
          one.createdAt,
          one.expiresAt,
          one.validFrom,
          one.validTo,
          one.version,
        ],
      );
      await tx.script("ALTER TABLE memories ENABLE TRIGGER USER");
    });
  }
}
