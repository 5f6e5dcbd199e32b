import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { collectionName } from "@engram/memory";
import { findFreePort, findPostgresPrograms, startOwnPostgres, type OwnPostgres } from "@engram/test-equipment";
import { openBackupScripts, type BackupScripts } from "./backup-scripts.ts";
import { eventually, KEY, startStack, type Stack } from "./stack.ts";

const whenThere =
  process.env["ENGRAM_TEST_DATABASE_URL"] === undefined || process.env["ENGRAM_TEST_QDRANT_URL"] === undefined
    ? describe.skip
    : describe;

const USERS = 6;
const MEMORIES = 150;
/** PostgreSQL does not ask for it here; whoever sees the arguments of programs must not see it. */
const PASSWORD = "the-password-of-postgres";

whenThere("infra/backup/drill.sh", () => {
  let postgres: OwnPostgres;
  let stack: Stack;
  let scripts: BackupScripts;
  let env: Record<string, string>;
  beforeAll(async () => {
    postgres = await startOwnPostgres();
    const psql = join(await findPostgresPrograms(), "psql");
    await promisify(execFile)(psql, ["--dbname", postgres.url, "--command", "CREATE DATABASE mem0"]);
    const databaseUrl = postgres.url.replace(/postgres$/, "mem0").replace("postgres@", `postgres:${PASSWORD}@`);
    const settings = { DATABASE_URL: databaseUrl, EMBEDDING_DIMENSIONS: "32", RECONCILE_EVERY_HOURS: "0" };
    stack = await startStack(settings);
    const memories = Array.from({ length: MEMORIES }, (_, n) => ({
      user_id: `user${n % USERS}`,
      content: `запись номер${n} о том, что лежит в ящике${n % 17}`,
    }));
    expect(await stack.call("POST", "/api/memories/bulk", { memories })).toMatchObject({ status: 200 });
    await eventually(async () => (await rows("SELECT 1 FROM engram.outbox WHERE topic <> 'schedule'")).length === 0);
    env = {
      ...settings,
      QDRANT_URL: stack.qdrant.url,
      MEM0_COLLECTION_NAME: stack.collection,
      OPENAI_BASE_URL: stack.openai.url,
      OPENAI_API_KEY: "sk-test",
      ENGRAM_URL: stack.url,
      MEM0_API_KEY: KEY,
      METRICS_PORT: String(await findFreePort()),
      DRILL_PORT: String(await findFreePort()),
    };
  }, 90_000);
  afterAll(async () => {
    await stack.close();
    await postgres.stop();
  });
  beforeEach(async () => {
    scripts = await openBackupScripts();
  });
  afterEach(() => scripts.remove());

  const rows = (sql: string) => stack.sockets.db.query(sql);
  const status = () => readFile(join(scripts.folder, "engram_restore_drill.prom"), "utf8");
  const collections = async () => {
    const answer = await fetch(`${stack.qdrant.url}/collections`);
    return ((await answer.json()) as { result: { collections: { name: string }[] } }).result.collections;
  };
  const expectNothingLeft = async () => {
    expect(await rows("SELECT datname FROM pg_database WHERE datname LIKE 'engram_drill%'")).toEqual([]);
    expect((await collections()).filter(({ name }) => name.startsWith("engram_drill"))).toEqual([]);
  };

  test("a fresh backup, restored in a scratch place, answers 100 searches the same", async () => {
    const notes = join(scripts.folder, "stub-notes");
    const noting = async (name: string, program: string) =>
      scripts.stub(name, `printf '%s\\n' "$*" >> "${notes}"; exec "${program}" "$@"`);
    const programs = [await noting("node", process.execPath), await noting("env", "/usr/bin/env")];
    const { code, stderr } = await scripts.run("drill.sh", [], { ...env, PATH_BEFORE: programs.join(":") });
    expect(`${code}: ${stderr}`).toMatch(
      /^0: [^]*\n100 searches: 100 the same, 0 moved on since the backup, 0 different\n/,
    );
    expect(await readFile(notes, "utf8")).toContain("main.js start\n");
    expect(await readFile(notes, "utf8")).not.toContain(PASSWORD);
    expect(await status()).toMatch(/_last_result 1\n[^]*_last_success_timestamp_seconds \d{10}\n/);
    await expectNothingLeft();
  }, 120_000);

  test("through the containers, where no address is set: at their addresses, with the key of mem0's own .env", async () => {
    const docker = `case $1 in
  inspect) case "\${!#}" in mem0) echo true ;; postgres | qdrant) echo 127.0.0.1 ;; esac; exit ;;
  exec) shift; [[ $1 == -i ]] && shift; shift ;;
esac
case "\${!#}" in
  DATABASE_URL) echo "postgresql://postgres:secret@postgres:$PORT/mem0"; exit ;;
  QDRANT_URL) echo "http://qdrant:$QDRANT_PORT"; exit ;;
esac
cd "$APP"; export PGHOST=127.0.0.1 PGPORT="$PORT" QDRANT_URL="http://127.0.0.1:$QDRANT_PORT"; exec "\${@//\\/app\\/data/$APP}"`;
    const app = await scripts.stub(".env", `MEM0_API_KEY="${KEY},another"`);
    const { DATABASE_URL: _, QDRANT_URL: __, MEM0_API_KEY: ___, ...rest } = env;
    const { code, stderr } = await scripts.run("drill.sh", [], {
      ...rest,
      PATH_BEFORE: await scripts.stub("docker", docker),
      APP: app,
      PORT: new URL(postgres.url).port,
      QDRANT_PORT: new URL(stack.qdrant.url).port,
    });
    expect(`${code}: ${stderr}`).toMatch(
      /^0: [^]*\n100 searches: 100 the same, 0 moved on since the backup, 0 different\n/,
    );
    await expectNothingLeft();
  }, 120_000);

  test("without its snapshot the index is made anew from the rows; what was deleted since has moved on", async () => {
    expect(await scripts.run("backup_mem0.sh", [], env)).toMatchObject({ code: 0 });
    const date = new Date().toLocaleDateString("sv").replaceAll("-", "");
    const dump = join(scripts.folder, `mem0_db_backup_${date}.sql`);
    const { body } = await stack.call("GET", "/api/memories/user/user0?limit=2");
    for (const { id } of body.memories ?? [])
      expect(await stack.call("DELETE", `/api/memories/${id}`)).toMatchObject({ status: 200 });
    const { code, stderr } = await scripts.run("drill.sh", [dump], env);
    expect(`${code}: ${stderr}`).toMatch(
      /^0: [^]*\n100 searches: \d+ the same, [1-9]\d* moved on since the backup, 0 different\n/,
    );
    await expectNothingLeft();
  }, 120_000);

  test("a backup with another text in it does not pass, and says so", async () => {
    expect(await scripts.run("backup_mem0.sh", [], env)).toMatchObject({ code: 0 });
    const date = new Date().toLocaleDateString("sv").replaceAll("-", "");
    const dump = join(scripts.folder, `mem0_db_backup_${date}.sql`);
    const snapshot = join(
      scripts.folder,
      `qdrant_backup_${date}.${collectionName(stack.collection, "text-embedding-3-small", 32)}.snapshot`,
    );
    // Memories under another user: there, and not found by their own.
    await promisify(execFile)("sed", ["-i", "s/\\tuser1\\t/\\tuser2\\t/", dump]);
    const { code, stderr } = await scripts.run("drill.sh", [dump, snapshot], env);
    expect(`${code}: ${stderr}`).toMatch(
      /^1: [^]* [1-9]\d* different\nFAILED: The answers differ\nFAILED: the drill\n$/,
    );
    expect(await status()).toContain("engram_restore_drill_last_result 0\n");
    await expectNothingLeft();
  }, 120_000);
});
