import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { contentHash } from "@engram/memory";
import { createMemoryStore } from "@engram/postgres";
import { createPgvectorIndex, takeOverFormer } from "../src/index.ts";
import { GUIDE_SQL } from "./guide-sql.ts";
import { openServer, serverUrl, type Server } from "./servers.ts";

const NAME = "mem0_memories";
const MODEL = "text-embedding-3-small";
const COLLECTION = { name: `${NAME}__text_embedding_3_small__4`, model: MODEL, dims: 4 };
const { signal } = new AbortController();

/** As mem0's pgvector store makes its table. */
const PAYLOAD_TABLE = `CREATE EXTENSION IF NOT EXISTS vector;
  CREATE TABLE ${NAME} (id UUID PRIMARY KEY, vector vector(4), payload JSONB);
  CREATE INDEX ${NAME}_hnsw_idx ON ${NAME} USING hnsw (vector vector_cosine_ops);`;
/** As `vecs` makes one, under mem0's Supabase store. */
const VECS_TABLE = `CREATE EXTENSION IF NOT EXISTS vector; CREATE SCHEMA vecs;
  CREATE TABLE vecs.${NAME} (id VARCHAR PRIMARY KEY, vec vector(4) NOT NULL, metadata JSONB NOT NULL DEFAULT '{}');`;
/** As mem0's TypeScript Supabase store wants it made. */
const SUPABASE_TABLE = `CREATE EXTENSION IF NOT EXISTS vector;
  create table ${NAME} (id text primary key, embedding vector(4), metadata jsonb,
    created_at timestamp with time zone default timezone('utc', now()), updated_at timestamp with time zone default timezone('utc', now()));`;

(serverUrl === undefined ? describe.skip : describe)("rows of a former mem0", () => {
  let server: Server;
  beforeEach(async () => {
    server = await openServer();
  });
  afterEach(() => server.close());

  const takeOver = () => takeOverFormer(server.db, { name: NAME });
  const memories = () =>
    server.db.query(
      "SELECT id, user_id, agent_id, session_id, level, type, content, metadata, created_at, updated_at, occurred_at, expires_at, seen_count FROM memories ORDER BY content",
    );
  const anId = "0197c3a0-0000-4000-8000-00000000000";

  test("of the guide's table become memories with their ids, users, metadata and times; a second run finds none", async () => {
    await server.db.script(`${GUIDE_SQL}
      INSERT INTO mem0_memories (id, user_id, memory, hash, metadata, created_at, updated_at) VALUES
        ('${anId}1', 'anton', ' Меня зовут Антон ', 'h1', '{"category": "name", "agent_id": "bot", "run_id": "s1"}', '2025-05-01T10:00:00Z', '2025-06-01T10:00:00Z'),
        ('${anId}2', 'anton', 'Работаю программистом', 'h2', NULL, '2025-05-02T10:00:00Z', '2025-05-02T10:00:00Z')`);
    expect(await takeOver()).toEqual([{ table: "public.mem0_memories", rows: 2, memories: 2, vectors: 0, left: {} }]);
    const standing = await memories();
    expect(standing).toEqual([
      {
        id: `${anId}1`,
        user_id: "anton",
        agent_id: "bot",
        session_id: "s1",
        level: "user",
        type: "fact",
        content: "Меня зовут Антон",
        metadata: { category: "name", agent_id: "bot", run_id: "s1" },
        created_at: new Date("2025-05-01T10:00:00Z"),
        updated_at: new Date("2025-06-01T10:00:00Z"),
        occurred_at: new Date("2025-05-01T10:00:00Z"),
        expires_at: null,
        seen_count: 1,
      },
      expect.objectContaining({ id: `${anId}2`, content: "Работаю программистом", metadata: {}, session_id: null }),
    ]);
    expect(await server.db.query("SELECT 1 FROM mem0_memories")).toEqual([]);
    expect(await server.db.query("SELECT 1 FROM engram.outbox WHERE topic LIKE 'index:%'")).toHaveLength(2);
    expect(await takeOver()).toEqual([]);
    expect(await memories()).toEqual(standing);
  });

  test("of mem0's own tables are read as mem0 wrote them: payload, and metadata in Python's names and TypeScript's", async () => {
    await server.db.script(`${PAYLOAD_TABLE} ${VECS_TABLE.replace(/^CREATE EXTENSION[^;]+;/, "")}
      INSERT INTO ${NAME} VALUES ('${anId}1', '[1,0,0,0]', '{"data": "Пьёт чай", "hash": "x", "user_id": "u", "agent_id": "a", "run_id": "r",
        "actor_id": "anton", "role": "user", "mood": "good", "created_at": "2025-05-18T03:30:00-07:00", "updated_at": null, "expiration_date": "2999-01-01"}');
      INSERT INTO vecs.${NAME} VALUES ('not-a-uuid', '[1,0,0,0]', '{"data": "Общий для всех", "agent_id": "helper"}');`);
    expect(await takeOver()).toEqual([
      { table: `public.${NAME}`, rows: 1, memories: 1, vectors: 0, left: {} },
      { table: `vecs.${NAME}`, rows: 1, memories: 1, vectors: 0, left: {} },
    ]);
    expect(await memories()).toMatchObject([
      {
        user_id: null,
        agent_id: "helper",
        level: "agent",
        content: "Общий для всех",
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
      {
        id: `${anId}1`,
        user_id: "u",
        agent_id: "a",
        session_id: "r",
        level: "user",
        content: "Пьёт чай",
        metadata: { actor_id: "anton", role: "user", mood: "good" },
        created_at: new Date("2025-05-18T10:30:00Z"),
        expires_at: new Date("2999-01-01T00:00:00Z"),
      },
    ]);
    // Emptied, mem0's table gives place to the guide's.
    const index = createPgvectorIndex(server.db, { publishAs: NAME });
    await index.prepare(COLLECTION);
    expect(await index.publish(COLLECTION)).toBeUndefined();
    expect(await server.db.query(`SELECT memory, embedding FROM ${NAME}`)).toEqual([]);
  });

  test("of TypeScript's Supabase store too", async () => {
    await server.db.script(`${SUPABASE_TABLE}
      INSERT INTO ${NAME} (id, embedding, metadata) VALUES ('${anId}7', '[0,1,0,0]',
        '{"data": "Любит горы", "userId": "u", "runId": "r", "createdAt": "2025-05-18T10:30:00.000Z"}')`);
    expect(await takeOver()).toMatchObject([{ rows: 1, memories: 1 }]);
    expect(await memories()).toMatchObject([
      {
        id: `${anId}7`,
        user_id: "u",
        session_id: "r",
        content: "Любит горы",
        metadata: {},
        created_at: new Date("2025-05-18T10:30:00Z"),
      },
    ]);
  });

  test("that say the same of the same are one memory, also of one that stands; an id that is taken is made anew, the same every time", async () => {
    await server.db.script(`INSERT INTO memories (user_id, content, metadata) VALUES ('u', 'Пьёт чай', '{"a": 1}');
      INSERT INTO memories (id, user_id, content) VALUES ('${anId}1', 'u', 'Другое');
      ${GUIDE_SQL}`);
    const rows = `INSERT INTO mem0_memories (id, user_id, memory, hash, metadata, created_at) VALUES
      ('${anId}1', 'u', 'Живёт в Перми', 'h1', '{}', '2025-01-02'), ('${anId}2', 'u', 'Пьёт чай', 'h2', '{"a": 2, "b": 2}', '2025-01-02'),
      ('${anId}3', 'v', 'Пьёт чай', 'h3', '{"c": 1}', '2025-01-02'), ('${anId}4', 'v', 'Пьёт  чай', 'h4', '{}', '2025-01-02'),
      ('${anId}5', 'v', 'Пьёт чай', 'h5', '{"c": 2, "d": 3}', '2025-01-01')`;
    await server.db.script(rows);
    expect(await takeOver()).toEqual([{ table: "public.mem0_memories", rows: 5, memories: 4, vectors: 0, left: {} }]);
    const standing = await memories();
    expect(
      standing.map(({ user_id, content, metadata, seen_count }) => [user_id, content, metadata, seen_count]),
    ).toEqual(
      expect.arrayContaining([
        ["u", "Другое", {}, 1],
        ["u", "Живёт в Перми", {}, 1],
        ["u", "Пьёт чай", { a: 1, b: 2 }, 2],
        ["v", "Пьёт чай", { c: 1, d: 3 }, 2],
      ]),
    );
    // A backup of the former table was put back.
    await server.db.script(rows);
    await takeOver();
    const ids = (all: typeof standing) => new Set(all.map(({ id }) => id));
    expect(ids(await memories())).toEqual(ids(standing));
  });

  test("that last keep the memory that would have expired, or has", async () => {
    await server.db
      .script(`INSERT INTO memories (user_id, content, expires_at) VALUES ('u', 'Пьёт чай', now() - interval '1 minute'), ('u', 'Ест мёд', now() + interval '1 day');
      ${GUIDE_SQL}
      INSERT INTO mem0_memories (user_id, memory, hash, metadata) VALUES ('u', 'Пьёт чай', 'h1', '{"agent_id": "bot"}'), ('u', 'Ест мёд', 'h2', '{}')`);
    await takeOver();
    expect(await server.db.query("SELECT content, expires_at, agent_ids FROM memories ORDER BY 1")).toEqual([
      { content: "Ест мёд", expires_at: null, agent_ids: [] },
      { content: "Пьёт чай", expires_at: null, agent_ids: ["bot"] },
    ]);
  });

  test("that cannot be memories stay, counted by why; the others are taken all the same", async () => {
    await server.db.script(`${PAYLOAD_TABLE}
      INSERT INTO ${NAME} SELECT ('${anId.slice(0, -4)}' || lpad(n::text, 5, '0'))::uuid, '[1,0,0,0]', jsonb_build_object('data', 'Запись ' || n, 'user_id', 'u') FROM generate_series(1, 450) n;
      UPDATE ${NAME} SET payload = payload - 'data' WHERE payload->>'data' = 'Запись 3';
      UPDATE ${NAME} SET payload = payload || '{"data": "  "}' WHERE payload->>'data' = 'Запись 210';
      UPDATE ${NAME} SET payload = (payload - 'user_id') || '{"run_id": "r"}' WHERE payload->>'data' = 'Запись 449'`);
    const left = { "without text": 2, "without user and agent": 1 };
    expect(await takeOver()).toEqual([{ table: `public.${NAME}`, rows: 447, memories: 447, vectors: 0, left }]);
    expect(await server.db.query(`SELECT 1 FROM ${NAME}`)).toHaveLength(3);
    expect(await takeOver()).toEqual([{ table: `public.${NAME}`, rows: 0, memories: 0, vectors: 0, left }]);
    const index = createPgvectorIndex(server.db, { publishAs: NAME });
    await index.prepare(COLLECTION);
    expect(await index.publish(COLLECTION)).toMatch(/holds rows that are not Engram's/);
    expect(await server.db.query(`SELECT 1 FROM ${NAME}`)).toHaveLength(3);
  });

  test.each(["guide", "payload"])(
    "of a declared model keep their vectors, in the %s table; nothing is left to embed",
    async (shape) => {
      await server.db.script(
        shape === "guide"
          ? `${GUIDE_SQL.replace("1536", "4")} INSERT INTO ${NAME} (id, user_id, memory, hash, embedding) VALUES
            ('${anId}1', 'u', 'раз', 'h1', '[1,0,0,0]'), ('${anId}2', 'u', 'два', 'h2', NULL)`
          : `${PAYLOAD_TABLE} INSERT INTO ${NAME} VALUES ('${anId}1', '[1,0,0,0]', '{"data": "раз", "user_id": "u"}'), ('${anId}2', NULL, '{"data": "два", "user_id": "u"}')`,
      );
      const declared = { model: MODEL };
      expect(await takeOverFormer(server.db, { name: NAME, declared })).toEqual([
        { table: `public.${NAME}`, rows: 2, memories: 2, vectors: 1, left: {} },
      ]);
      const index = createPgvectorIndex(server.db, { publishAs: NAME });
      await index.prepare(COLLECTION);
      expect(await index.publish(COLLECTION)).toBeUndefined();
      const [row] = await createMemoryStore(server.db).readIndexable([`${anId}1`]);
      // What converge compares: the row's version, and the hash of its text.
      expect(await index.scan(COLLECTION, { limit: 10 }, signal)).toEqual([
        { id: `${anId}1`, version: row?.version, hash: contentHash("раз") },
      ]);
      expect(await server.db.query(`SELECT id, hash, embedding::text FROM ${NAME}`)).toEqual([
        { id: `${anId}1`, hash: `${anId}1`, embedding: "[1,0,0,0]" },
      ]);
    },
  );

  test("are embedded anew where the declared model would give others as long", async () => {
    await server.db.script(
      `${PAYLOAD_TABLE} INSERT INTO ${NAME} VALUES ('${anId}1', '[1,0,0,0]', '{"data": "раз", "user_id": "u"}')`,
    );
    expect(await takeOverFormer(server.db, { name: NAME, declared: { model: MODEL, dims: 3 } })).toMatchObject([
      { memories: 1, vectors: 0 },
    ]);
  });

  test("that this role may not take, or not even see, are told with the SQL", async () => {
    const role = `engram_poor_${randomBytes(4).toString("hex")}`;
    await server.db
      .script(`${VECS_TABLE} ${GUIDE_SQL} CREATE ROLE ${role} LOGIN; GRANT USAGE ON SCHEMA engram TO ${role};
      INSERT INTO mem0_memories (user_id, memory, hash) VALUES ('u', 'раз', 'h')`);
    const poor = server.connect(role);
    const cure = (relation: string) => `As its owner run: ALTER TABLE ${relation} OWNER TO ${role};`;
    await expect(takeOverFormer(poor, { name: NAME })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(
        /permission denied for schema vecs\. As its owner run: GRANT USAGE ON SCHEMA vecs TO engram_poor_/,
      ),
    });
    await server.db.script(`DROP SCHEMA vecs CASCADE`);
    await expect(takeOverFormer(poor, { name: NAME })).rejects.toMatchObject({
      message: `The rows of a former mem0 in public.${NAME} cannot be taken over: permission denied for table ${NAME}. ${cure(`public.${NAME}`)}`,
    });
    await server.db.script(`GRANT ALL ON ${NAME} TO ${role}; ALTER TABLE ${NAME} ENABLE ROW LEVEL SECURITY`);
    await expect(takeOverFormer(poor, { name: NAME })).rejects.toMatchObject({
      message: `The rows of a former mem0 in public.${NAME} cannot be taken over: row-level security hides its rows. ${cure(`public.${NAME}`)}`,
    });
    expect(await memories()).toEqual([]);
    await server.db.script(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  test("tables of other shapes are nobody's to touch", async () => {
    await server.db.script(`CREATE TABLE ${NAME} (id int, note text); INSERT INTO ${NAME} VALUES (1, 'x')`);
    expect(await takeOver()).toEqual([]);
    expect(await server.db.query(`SELECT note FROM ${NAME}`)).toEqual([{ note: "x" }]);
  });
});
