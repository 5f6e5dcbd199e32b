// Every trouble that a database can be in at the start, provoked for real: one line with its cure, a process that stays up,
// and one that works as soon as the cure is applied, without a restart.
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createTestDatabase, startOwnPostgres, type OwnPostgres } from "@engram/test-equipment";
import pg from "pg";
import { startHostedDatabase, type HostedDatabase } from "../supabase.ts";
import { target } from "../target.ts";
import { until } from "../until.ts";
import { readiness, start, stopStarted, type Started } from "./started.ts";

const READY_TIMEOUT_MS = 20_000;
const ROLE = "poor";
const GRANT_PUBLIC = `GRANT CREATE, USAGE ON SCHEMA public TO ${ROLE}`;

let server: OwnPostgres;

afterAll(stopStarted);

async function runSql(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** The address of the same database for a role without rights. */
function asPoor(url: string): string {
  return url.replace("//postgres@", `//${ROLE}@`);
}

/** Waits for the problem; it stands in the log once, and its process lives. */
async function told(started: Started, code: string) {
  let state: Awaited<ReturnType<typeof readiness>>;
  const problem = await until(
    `${code} to be told`,
    async () => {
      state = await readiness(started);
      return state?.problems.find((one) => one.code === code) ?? false;
    },
    { timeoutMs: READY_TIMEOUT_MS, describe: () => JSON.stringify(state) },
  );
  const lines = (): string[] =>
    started
      .output()
      .split("\n")
      .filter((line) => line.includes(`"code":"${code}"`));
  // The log comes through a pipe of its own, perhaps behind the answer.
  await until(`${code} to be logged`, async () => lines().length > 0);
  expect(lines()).toHaveLength(1);
  expect(problem.cure).toMatch(/\w/);
  expect(started.child.exitCode).toBeNull();
  return problem;
}

async function recovered(started: Started): Promise<void> {
  let state: Awaited<ReturnType<typeof readiness>>;
  await until(
    "it to be ready, without a problem",
    async () => {
      state = await readiness(started);
      return state?.status === 200 && state.problems.length === 0;
    },
    { timeoutMs: READY_TIMEOUT_MS, describe: () => JSON.stringify(state) },
  );
}

async function stop(started: Started): Promise<void> {
  started.child.kill("SIGTERM");
  await once(started.child, "exit");
}

const onceOnly = target.kind === "embedded" ? describe : describe.skip;

onceOnly("a database in trouble", () => {
  beforeAll(async () => {
    server = await startOwnPostgres();
    await runSql(server.url, `CREATE ROLE ${ROLE} LOGIN`);
  }, READY_TIMEOUT_MS);
  afterAll(() => server.stop());

  test("the database is missing: made, where the role may", async () => {
    const started = await start({ DATABASE_URL: server.url.replace(/postgres$/, "made_by_engram") });
    await recovered(started);
    await stop(started);
  }, 90_000);

  test("the database is missing, and the role may not make it", async () => {
    const url = server.url.replace(/postgres$/, "made_by_hand");
    const started = await start({ DATABASE_URL: asPoor(url) });
    expect(await told(started, "database_missing")).toMatchObject({ cure: expect.stringContaining("CREATE DATABASE") });
    await runSql(server.url, `CREATE DATABASE made_by_hand OWNER ${ROLE}`);
    await runSql(url, "CREATE EXTENSION vector");
    await recovered(started);
    await stop(started);
  }, 90_000);

  test.each([
    ["schema public", "GRANT CREATE ON DATABASE", GRANT_PUBLIC],
    ["the database, for a schema engram", GRANT_PUBLIC, "GRANT CREATE ON DATABASE"],
  ])(
    "no permission on %s",
    async (_name, first, cure) => {
      const database = await createTestDatabase(server.url);
      const grant = (sql: string) =>
        sql === GRANT_PUBLIC ? sql : `${sql} ${new URL(database.url).pathname.slice(1)} TO ${ROLE}`;
      await runSql(database.url, "CREATE EXTENSION vector", grant(first));
      const started = await start({ DATABASE_URL: asPoor(database.url) });
      expect(await told(started, "database_permission")).toMatchObject({
        message: expect.stringMatching(/^DATABASE_URL: permission denied for/),
        cure: expect.stringContaining("GRANT CREATE"),
      });
      await runSql(database.url, grant(cure));
      await recovered(started);
      await stop(started);
      await database.drop();
    },
    90_000,
  );

  test("no extension vector: the SQL is printed; a role that owns its schema alone is enough", async () => {
    const database = await createTestDatabase(server.url);
    await runSql(database.url, `CREATE SCHEMA engram AUTHORIZATION ${ROLE}`, GRANT_PUBLIC);
    const started = await start({ DATABASE_URL: asPoor(database.url) });
    expect(await told(started, "extension_missing")).toMatchObject({
      message: "The database has no extension vector",
      cure: expect.stringContaining("CREATE EXTENSION vector;"),
    });
    await runSql(database.url, "CREATE EXTENSION vector");
    await recovered(started);
    await stop(started);
    await database.drop();
  }, 90_000);

  test("a table `memories` that is another program's", async () => {
    const database = await createTestDatabase(server.url);
    await runSql(database.url, "CREATE TABLE memories (id int)");
    const started = await start({ DATABASE_URL: database.url });
    expect(await told(started, "database_foreign_table")).toMatchObject({
      cure: expect.stringContaining("rename that table"),
    });
    await runSql(database.url, "ALTER TABLE memories RENAME TO others");
    await recovered(started);
    await stop(started);
    await database.drop();
  }, 90_000);

  test("a database that does not know all letters", async () => {
    const url = server.url.replace(/postgres$/, "bytes");
    await runSql(server.url, "CREATE DATABASE bytes ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
    const started = await start({ DATABASE_URL: url });
    expect(await told(started, "database_encoding")).toMatchObject({
      message: "The database's encoding is SQL_ASCII, which does not know all letters",
      cure: expect.stringContaining("ENCODING 'UTF8'"),
    });
    await runSql(
      server.url,
      "DROP DATABASE bytes WITH (FORCE)",
      "CREATE DATABASE bytes ENCODING 'UTF8' TEMPLATE template0",
    );
    await recovered(started);
    await stop(started);
  }, 90_000);

  test("vectors of another dimension in the collection", async () => {
    const database = await createTestDatabase(server.url);
    const first = await start({ DATABASE_URL: database.url });
    const table = await until("the index", async () => /"collection":"(\w+)"/.exec(first.output())?.[1] ?? false, {
      timeoutMs: READY_TIMEOUT_MS,
    });
    await stop(first);
    await runSql(
      database.url,
      `DROP VIEW engram.${table}`,
      `CREATE TABLE engram.${table} (LIKE mem0_memories)`,
      `ALTER TABLE engram.${table} ALTER COLUMN embedding TYPE vector(3)`,
    );
    const started = await start({ DATABASE_URL: database.url });
    expect(await told(started, "index_dimensions")).toMatchObject({
      message: expect.stringContaining("holds vectors of 3 dimensions"),
      cure: expect.stringContaining("MEM0_COLLECTION_NAME"),
    });
    await runSql(database.url, `DROP TABLE engram.${table}`);
    await recovered(started);
    await stop(started);
    await database.drop();
  }, 120_000);

  test("rows with vectors of another dimension in the table that was made by hand", async () => {
    const database = await createTestDatabase(server.url);
    await runSql(
      database.url,
      "CREATE EXTENSION vector",
      `CREATE TABLE mem0_memories (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), user_id TEXT NOT NULL, memory TEXT NOT NULL,
         hash TEXT UNIQUE NOT NULL, embedding VECTOR(1536), metadata JSONB DEFAULT '{}'::jsonb,
         created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(), updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW())`,
      "INSERT INTO mem0_memories (user_id, memory, hash) VALUES ('', 'nobody told it', 'h')",
    );
    const started = await start({ DATABASE_URL: database.url });
    expect(await told(started, "index_dimensions")).toMatchObject({
      message: expect.stringMatching(/^public\.mem0_memories holds vectors of 1536 dimensions/),
      cure: expect.stringContaining("npm run migrate"),
    });
    expect(started.output()).toContain('"left":{"without user and agent":1}');
    await runSql(database.url, "DELETE FROM mem0_memories");
    await recovered(started);
    await stop(started);
    await database.drop();
  }, 90_000);

  test.each([
    ["schema public", `REVOKE CREATE ON SCHEMA public FROM ${ROLE}`, "GRANT USAGE, CREATE ON SCHEMA public TO poor;"],
    [
      "the table that was made by hand",
      "CREATE TABLE mem0_memories (id UUID PRIMARY KEY, vector vector(3), payload JSONB)",
      "ALTER TABLE public.mem0_memories OWNER TO poor;",
    ],
  ])(
    "no right on %s: vectors are kept elsewhere, and the SQL is printed",
    async (name, trouble, cure) => {
      const database = await createTestDatabase(server.url);
      await runSql(database.url, "CREATE EXTENSION vector", `CREATE SCHEMA engram AUTHORIZATION ${ROLE}`, GRANT_PUBLIC);
      const first = await start({ DATABASE_URL: asPoor(database.url) });
      await recovered(first);
      const table = await until("the index", async () => /"collection":"(\w+)"/.exec(first.output())?.[1] ?? false);
      await stop(first);
      // As where the schema had been made before the right went.
      await runSql(database.url, `DROP VIEW engram.${table}`, "DROP TABLE mem0_memories", trouble);
      const started = await start({ DATABASE_URL: asPoor(database.url) });
      const problem = await told(started, "collection_name");
      expect(problem.cure).toContain(cure);
      await runSql(
        database.url,
        name === "schema public" ? GRANT_PUBLIC : `ALTER TABLE mem0_memories OWNER TO ${ROLE}`,
      );
      await recovered(started);
      await stop(started);
      await database.drop();
    },
    90_000,
  );

  test.each([
    ["a host that has IPv6 alone", () => "postgresql://u:p@[2001:db8::1]:5432/mem0", "database_network", "pooler"],
    [
      "a server without TLS, asked for it",
      () => `${server.url}?sslmode=require`,
      "database_tls",
      "Turn TLS on in PostgreSQL",
    ],
  ])(
    "%s",
    async (_name, url, code, cure) => {
      const started = await start({ DATABASE_URL: url() });
      expect(await told(started, code)).toMatchObject({ cure: expect.stringContaining(cure) });
      await stop(started);
    },
    90_000,
  );

  test("MEM0_ENABLED=0: memory routes answer 503 and say why, the status too", async () => {
    const started = await start({ MEM0_ENABLED: "0" });
    await recovered(started);
    const headers = { "x-api-key": "key" };
    const refused = await fetch(`${started.base}/api/memories/user/anton`, { headers });
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ message: expect.stringContaining("MEM0_ENABLED") });
    const status = await fetch(`${started.base}/api/memory/status`);
    expect(await status.json()).toEqual({ enabled: false, initialized: true, backend: "embedded" });
    await stop(started);
  }, 60_000);

  test("unescaped characters in the address: the cure names them, and nothing starts", async () => {
    const started = await start({ DATABASE_URL: "postgresql://u:p@ss@127.0.0.1:5432/mem0" });
    await once(started.child, "exit");
    expect(started.child.exitCode).toBe(1);
    expect(started.output()).toMatch(/DATABASE_URL: .*write "@" as %40/);
  }, 60_000);

  test("the guide's placeholders left in", async () => {
    const started = await start({
      DATABASE_URL: "postgresql://postgres:YOUR_PASSWORD@127.0.0.1:1/postgres",
      OPENAI_API_KEY: "sk-your-openai-api-key",
    });
    const problems = await until("both to be told", async () => {
      const found = (await readiness(started))?.problems.filter((one) => one.code === "placeholder") ?? [];
      return found.length === 2 && found;
    });
    expect(problems.map((one) => one.message)).toEqual([
      "DATABASE_URL still has a placeholder where the password belongs",
      "OPENAI_API_KEY is still a placeholder",
    ]);
    await stop(started);
  }, 60_000);
});

onceOnly("a hosted database in trouble", () => {
  let hosted: HostedDatabase;
  beforeAll(async () => {
    hosted = await startHostedDatabase();
  }, READY_TIMEOUT_MS);
  afterAll(() => hosted.stop());

  test("behind TLS and a pooler, with a role without rights and its certificate checked, it is ready", async () => {
    const certificate = `sslmode=verify-full&sslrootcert=${hosted.certificateFile}`;
    const started = await start({ DATABASE_URL: `${hosted.url}?${certificate}` });
    await recovered(started);
    await stop(started);
  }, 90_000);

  test.each([
    ["a wrong password", () => hosted.url.replace(/:\w+@/, ":wrong@") + "?sslmode=require", "database_password", "%40"],
    [
      "a certificate of an authority that nobody here knows",
      () => `${hosted.url}?sslmode=verify-full`,
      "database_certificate",
      "sslrootcert",
    ],
  ])(
    "%s",
    async (_name, url, code, cure) => {
      const started = await start({ DATABASE_URL: url() });
      expect(await told(started, code)).toMatchObject({ cure: expect.stringContaining(cure) });
      await stop(started);
    },
    90_000,
  );
});
