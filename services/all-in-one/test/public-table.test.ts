import { afterEach, describe, expect, test } from "@jest/globals";
import { eventually, startStack, type Stack } from "./stack.ts";

const whenThere = process.env["ENGRAM_TEST_DATABASE_URL"] === undefined ? describe.skip : describe;

const DIMS = 32;
const SETTINGS = {
  QDRANT_URL: "",
  EMBEDDING_DIMENSIONS: String(DIMS),
  MEM0_COLLECTION_NAME: "mem0_memories",
  RECONCILE_EVERY_HOURS: "0",
};
/** The guide's table, with vectors as long as those of these tests. */
const GUIDE_TABLE = `CREATE EXTENSION IF NOT EXISTS vector;
  CREATE TABLE public.mem0_memories (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), user_id TEXT NOT NULL, memory TEXT NOT NULL,
    hash TEXT UNIQUE NOT NULL, embedding VECTOR(${DIMS}), metadata JSONB DEFAULT '{}'::jsonb,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(), updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW());
  CREATE INDEX idx_mem0_embedding ON public.mem0_memories USING hnsw (embedding vector_cosine_ops);`;

whenThere("one PostgreSQL with pgvector", () => {
  let stack: Stack;
  afterEach(() => stack.close());

  const drained = () =>
    eventually(
      async () => (await stack.sockets.db.query("SELECT 1 FROM engram.outbox WHERE topic <> 'schedule'")).length === 0,
    );
  const table = () =>
    stack.sockets.db.query<{ id: string; memory: string; dims: number }>(
      "SELECT id, memory, vector_dims(embedding) AS dims FROM mem0_memories ORDER BY memory",
    );
  const create = async (content: string): Promise<string> => {
    const { status, body } = await stack.call("POST", "/api/memories", { user_id: "u", content, wait: true });
    expect(status).toBe(201);
    return body.id ?? "";
  };
  const search = async (query: string): Promise<readonly string[]> => {
    const { body } = await stack.call("POST", "/api/memories/search", { user_id: "u", query });
    return (body.memories ?? []).map(({ content }) => content);
  };
  const embeddings = async (): Promise<number> => (await stack.openai.counters())["embeddings"] ?? 0;

  test("vectors are in the table that was made by hand; a row deleted there is a deleted memory", async () => {
    stack = await startStack(SETTINGS, { before: GUIDE_TABLE });
    const ids = [await create("Меня зовут Антон"), await create("Работаю программистом")];
    expect(await table()).toMatchObject([{ memory: "Меня зовут Антон" }, { memory: "Работаю программистом" }]);
    expect(await search("Как меня зовут?")).toContain("Меня зовут Антон");

    await stack.sockets.db.query("DELETE FROM mem0_memories WHERE memory = 'Меня зовут Антон'");
    expect((await stack.call("GET", `/api/memories/${ids[0]}`)).status).toBe(404);
    expect(await search("Как меня зовут?")).not.toContain("Меня зовут Антон");
    await drained();
    expect((await stack.call("DELETE", `/api/memories/${ids[1]}`)).status).toBe(200);
    expect(await table()).toEqual([]);
  }, 60_000);

  test("truncated, it is filled again, and no memory is lost", async () => {
    stack = await startStack(SETTINGS);
    const id = await create("Меня зовут Антон");
    await stack.sockets.db.query("TRUNCATE mem0_memories");
    await eventually(async () => (await table()).length === 1);
    expect((await stack.call("GET", `/api/memories/${id}`)).status).toBe(200);
  }, 60_000);

  test("another model fills beside it and takes its place; the way back is open, and then it is the only one", async () => {
    stack = await startStack(SETTINGS);
    await create("Меня зовут Антон");
    await stack.restartWorker({ EMBEDDING_MODEL: "all-MiniLM-L6-v2", EMBEDDING_DIMENSIONS: "" });
    await eventually(async () => (await table())[0]?.dims === 384);
    await create("Работаю программистом");
    await drained();
    expect(await table()).toMatchObject([
      { memory: "Меня зовут Антон", dims: 384 },
      { memory: "Работаю программистом", dims: 384 },
    ]);
    const relations = () =>
      stack.sockets.db.query(
        "SELECT relname AS name FROM pg_class WHERE relnamespace = 'engram'::regnamespace AND relname LIKE 'mem0_memories%' AND relkind IN ('r', 'v')",
      );
    expect(await relations()).toHaveLength(2);
    await stack.sockets.db.query("UPDATE engram.index_targets SET retire_at = now() WHERE retire_at IS NOT NULL");
    await stack.sockets.schedules.request("reindex");
    await eventually(async () => (await relations()).length === 1);
    await stack.sockets.db.query("DELETE FROM mem0_memories WHERE memory = 'Меня зовут Антон'");
    expect(await stack.sockets.db.query("SELECT content FROM memories")).toEqual([
      { content: "Работаю программистом" },
    ]);
  }, 60_000);

  test("rows of a former mem0 are found by meaning after the start; what cannot be a memory is told", async () => {
    const rows = `INSERT INTO mem0_memories (id, user_id, memory, hash) VALUES
      ('0197c3a0-0000-4000-8000-000000000001', 'u', 'Меня зовут Антон', 'h1'), ('0197c3a0-0000-4000-8000-000000000002', 'u', ' ', 'h2')`;
    stack = await startStack(SETTINGS, { before: `${GUIDE_TABLE} ${rows}` });
    await drained();
    expect(await search("Как меня зовут?")).toEqual(["Меня зовут Антон"]);
    expect(await table()).toMatchObject([
      { memory: " ", dims: null },
      { memory: "Меня зовут Антон", dims: DIMS },
    ]);
    expect(stack.logs).toContainEqual(
      expect.objectContaining({
        msg: "Rows of a former mem0 cannot be memories and stay where they are",
        left: { "without text": 1 },
      }),
    );
    expect(stack.logs).toContainEqual(
      expect.objectContaining({ msg: "Rows of a former mem0 were taken over", rows: 1, memories: 1, vectors: 0 }),
    );
    expect(JSON.stringify(stack.logs)).not.toContain("Антон");
  }, 60_000);

  test("with their model declared they keep their vectors, and nothing is paid for", async () => {
    const vector = `('[1' || repeat(',0', ${DIMS - 1}) || ']')::vector`;
    const rows = `INSERT INTO mem0_memories (user_id, memory, hash, embedding) SELECT 'u', 'Запись ' || n, n, ${vector} FROM generate_series(1, 5) n`;
    const declared = { ...SETTINGS, MEM0_FORMER_EMBEDDING_MODEL: "text-embedding-3-small" };
    stack = await startStack(declared, { before: `${GUIDE_TABLE} ${rows}` });
    await drained();
    const paid = await embeddings();
    expect(await table()).toHaveLength(5);
    // The probe of the model at the first start, and no text of a memory.
    await stack.restartWorker(declared);
    await drained();
    expect(await embeddings()).toBe(paid);
    const kept = await stack.sockets.db.query("SELECT DISTINCT embedding::text AS e FROM mem0_memories");
    expect(kept).toEqual([{ e: `[1${",0".repeat(DIMS - 1)}]` }]);
  }, 60_000);

  test("another program's table of that name is told with its cure, and goes by itself once it is mended", async () => {
    stack = await startStack(SETTINGS, { before: "CREATE TABLE mem0_memories (note text)" });
    await create("Меня зовут Антон");
    expect(stack.logs).toContainEqual(
      expect.objectContaining({
        code: "collection_name",
        msg: "public.mem0_memories is another program's",
        cure: "Set MEM0_COLLECTION_NAME to a new name",
      }),
    );
    await stack.sockets.db.query("DROP TABLE mem0_memories");
    await eventually(async () =>
      stack.sockets.db.query("SELECT 1 FROM mem0_memories").then(
        (found) => found.length === 1,
        () => false,
      ),
    );
  }, 60_000);
});
