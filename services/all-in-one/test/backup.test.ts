import { execFile } from "node:child_process";
import { readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { collectionName, RECONCILE, reconcileStatus } from "@engram/memory";
import { findPostgresPrograms, startOwnPostgres, type OwnPostgres } from "@engram/test-equipment";
import { openBackupScripts, type BackupScripts } from "./backup-scripts.ts";
import { eventually, startStack, type Stack } from "./stack.ts";

const whenThere =
  process.env["ENGRAM_TEST_DATABASE_URL"] === undefined || process.env["ENGRAM_TEST_QDRANT_URL"] === undefined
    ? describe.skip
    : describe;

const MEMORIES = 120;
const DAY_MS = 86_400_000;

whenThere("infra/backup/backup_mem0.sh and restore_mem0.sh", () => {
  let postgres: OwnPostgres;
  let databaseUrl: string;
  let stack: Stack;
  let scripts: BackupScripts;
  let env: Record<string, string>;

  beforeAll(async () => {
    postgres = await startOwnPostgres();
    await onPostgres("CREATE DATABASE mem0");
    databaseUrl = postgres.url.replace(/postgres$/, "mem0");
    stack = await startStack({ DATABASE_URL: databaseUrl, EMBEDDING_DIMENSIONS: "32", RECONCILE_EVERY_HOURS: "0" });
    const memories = Array.from({ length: MEMORIES }, (_, n) => ({
      user_id: `u${n % 5}`,
      content: `запись номер${n}`,
    }));
    expect(await stack.call("POST", "/api/memories/bulk", { memories })).toMatchObject({ status: 200 });
    await eventually(async () => (await rows("SELECT 1 FROM engram.outbox WHERE topic <> 'schedule'")).length === 0);
  }, 90_000);
  afterAll(async () => {
    await stack.close();
    await postgres.stop();
  });
  beforeEach(async () => {
    scripts = await openBackupScripts();
    env = { DATABASE_URL: databaseUrl, QDRANT_URL: stack.qdrant.url, MEM0_COLLECTION_NAME: stack.collection };
  });
  afterEach(() => scripts.remove());

  const onPostgres = async (sql: string): Promise<void> => {
    const psql = join(await findPostgresPrograms(), "psql");
    await promisify(execFile)(psql, ["--dbname", postgres.url, "--command", sql]);
  };
  const rows = (sql: string) => stack.sockets.db.query(sql);
  const collection = () => collectionName(stack.collection, "text-embedding-3-small", 32);
  const today = () => new Date().toLocaleDateString("sv").replaceAll("-", "");
  const files = async () => (await readdir(scripts.folder)).filter((name) => !name.startsWith("stub-")).toSorted();
  const status = () => readFile(join(scripts.folder, "engram_backup.prom"), "utf8");
  const size = async (name: string) => (await stat(join(scripts.folder, name))).size;

  const asInCompose = () => ({
    DATABASE_URL: "",
    PGHOST: "127.0.0.1",
    PGPORT: new URL(databaseUrl).port,
    PGUSER: "postgres",
    PGDATABASE: "mem0",
  });
  const pathWithoutCurl = async (): Promise<string> => {
    const tools = "dirname basename date sed mktemp tail grep awk stat mv rm tr tar find chmod cat";
    const place = await scripts.stub("nothing", "");
    for (const tool of tools.split(" "))
      await writeFile(join(place, tool), `#!/bin/bash\nexec "$(PATH=/usr/bin:/bin type -P ${tool})" "$@"\n`, {
        mode: 0o755,
      });
    return `${place}:${await findPostgresPrograms()}`;
  };

  test("the guide's file, a snapshot of the live collection, and a status; nothing of it for other users", async () => {
    const { code, stderr } = await scripts.run("backup_mem0.sh", [], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(`\n${MEMORIES} memories\n`) });
    const dump = `mem0_db_backup_${today()}.sql`;
    const snapshot = `qdrant_backup_${today()}.${collection()}.snapshot`;
    expect(await files()).toEqual(["engram_backup.prom", dump, snapshot]);
    for (const name of [dump, snapshot])
      expect(((await stat(join(scripts.folder, name))).mode & 0o777).toString(8)).toBe("600");
    expect(await status()).toContain("engram_backup_last_result 1\n");
    expect(await status()).toContain(`engram_backup_last_size_bytes ${await size(dump)}\n`);
    const [, at] = /^engram_backup_last_success_timestamp_seconds (\d+)$/m.exec(await status()) ?? [];
    expect(Math.abs(Number(at) - Date.now() / 1000)).toBeLessThan(120);
    // None is left in Qdrant, which would take the index's disk.
    const kept = await fetch(`${stack.qdrant.url}/collections/${collection()}/snapshots/nothing`);
    expect(kept.status).toBe(404);
  });

  test("without curl, as in PostgreSQL's image, the same snapshot", async () => {
    const { code, stderr } = await scripts.run("backup_mem0.sh", [], {
      ...env,
      ...asInCompose(),
      PATH: await pathWithoutCurl(),
    });
    expect(`${code}: ${stderr}`).toMatch(/^0: /);
    expect(await size(`qdrant_backup_${today()}.${collection()}.snapshot`)).toBeGreaterThan(10_000);
  });

  test.each([
    ["an empty dump", "exit 0", "is empty"],
    [
      "a dump that was cut, though pg_dump says it is well",
      '"$REAL/pg_dump" "$@" | head -c 20000; exit 0',
      "is not whole",
    ],
    [
      "a dump without the memories",
      '"$REAL/pg_dump" --data-only --exclude-table=public.memories "$@"',
      "no table memories",
    ],
    [
      "a dump with the table, and no memory in it",
      `"$REAL/pg_dump" "$@" | awk '/^COPY public.memories /{print;skip=1;next} skip&&/^\\\\\\.$/{skip=0} !skip'`,
      "holds no memory",
    ],
    ["pg_dump that fails", "echo no space left >&2; exit 1", "pg_dump has failed"],
  ])("%s fails loudly, takes no name, and leaves the older backups, however old", async (_, stub, words) => {
    const old = `mem0_db_backup_20200101.sql`;
    await writeFile(join(scripts.folder, old), "old");
    await utimes(join(scripts.folder, old), 0, 0);
    await writeFile(join(scripts.folder, "engram_backup.prom"), "engram_backup_last_success_timestamp_seconds 1000\n");
    const { code, stderr } = await scripts.run("backup_mem0.sh", [], {
      ...env,
      REAL: await findPostgresPrograms(),
      PATH_BEFORE: await scripts.stub("pg_dump", stub),
    });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(words) });
    expect(stderr).toMatch(/FAILED: there is no new backup, older ones are kept\n$/);
    expect(await files()).toEqual(["engram_backup.prom", old]);
    expect(await status()).toMatch(/_last_result 0\n(.*\n)*engram_backup_last_success_timestamp_seconds 1000\n/);
  });

  test("a snapshot that was cut, or a Qdrant that does not answer, is a failure too", async () => {
    const cut =
      '[[ "$*" == */snapshots/* && "$*" == *GET* ]] && { /usr/bin/curl "$@" | head -c 5000; exit 0; }; exec /usr/bin/curl "$@"';
    const PATH_BEFORE = await scripts.stub("curl", cut);
    expect(await scripts.run("backup_mem0.sh", [], { ...env, PATH_BEFORE })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/has not the \d+ bytes that Qdrant tells/),
    });
    expect(await scripts.run("backup_mem0.sh", [], { ...env, QDRANT_URL: "http://127.0.0.1:9" })).toMatchObject({
      code: 1,
    });
    expect(await status()).toContain("engram_backup_last_result 0\n");
  });

  test("all that it wrote goes when it is 30 days old, and nothing else", async () => {
    const own = [
      "mem0_db_backup_20200101.sql",
      "mem0_backup_20200101.tar.gz",
      "qdrant_backup_20200101.c__m__3.snapshot",
    ];
    const foreign = [
      "mem0_notes.txt",
      "mem0_db_backup_20200101.sql.gpg",
      "mem0_db_backup_before_upgrade.sql",
      "qdrant_backup_x.snapshot",
      "other.sql",
    ];
    const age = async (names: readonly string[], days: number) => {
      for (const name of names) {
        await writeFile(join(scripts.folder, name), "x");
        const then = new Date(Date.now() - days * DAY_MS - 60_000);
        await utimes(join(scripts.folder, name), then, then);
      }
    };
    await age([...own, ...foreign], 30);
    await age(["mem0_db_backup_20200102.sql"], 29);
    expect(await scripts.run("backup_mem0.sh", [], env)).toMatchObject({ code: 0 });
    const left = await files();
    expect(left).toEqual(
      expect.arrayContaining([...foreign, "mem0_db_backup_20200102.sql", `mem0_db_backup_${today()}.sql`]),
    );
    expect(left.filter((name) => own.includes(name))).toEqual([]);
  });

  test("through the containers, where no address is set", async () => {
    // Does on this machine what `docker exec` does in a container, and notes in which.
    const docker = `[[ $1 == inspect ]] && { echo true; exit; }
[[ $1 == exec ]] && shift || exit 64; [[ $1 == -i ]] && shift; echo "$1" >> "$NOTES"; shift
export PGHOST=127.0.0.1 PGPORT="$PORT" QDRANT_URL="$URL"; exec "\${@//\\/app\\/data/$DATA}"`;
    const data = await scripts.stub("api-key", "a-key");
    const notes = join(scripts.folder, "stub-notes");
    const { code, stderr } = await scripts.run("backup_mem0.sh", [], {
      PATH_BEFORE: await scripts.stub("docker", docker),
      NOTES: notes,
      PORT: new URL(databaseUrl).port,
      URL: stack.qdrant.url,
      DATA: data,
      MEM0_COLLECTION_NAME: stack.collection,
    });
    expect(`${code}: ${stderr}`).toMatch(/^0: /);
    expect([...new Set((await readFile(notes, "utf8")).trim().split("\n"))]).toEqual(["postgres", "mem0"]);
    expect(await files()).toEqual([
      "engram_backup.prom",
      `mem0_backup_${today()}.tar.gz`,
      `mem0_db_backup_${today()}.sql`,
      `qdrant_backup_${today()}.${collection()}.snapshot`,
    ]);
  });

  test("daily.sh backs up at once where there is none yet, then waits for its hour, and stops when told to", async () => {
    const isThere = () => eventually(async () => (await files()).includes("engram_backup.prom"));
    const { code, stderr } = await scripts.run("daily.sh", [], env, isThere);
    expect(`${code}: ${stderr}`).toMatch(/^0: /);
    expect(await files()).toContain(`mem0_db_backup_${today()}.sql`);
    // The second time there is one of today.
    const again = await scripts.run("daily.sh", [], env, () => new Promise((resolve) => setTimeout(resolve, 300)));
    expect(again).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("a restore refuses a database in use and a broken dump, and changes nothing", async () => {
    expect(await scripts.run("backup_mem0.sh", [], env)).toMatchObject({ code: 0 });
    const dump = join(scripts.folder, `mem0_db_backup_${today()}.sql`);
    expect(await scripts.run("restore_mem0.sh", [dump], env)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("in use by: engram at 127.0.0.1. Stop what is named"),
    });
    await writeFile(`${dump}.cut`, (await readFile(dump)).subarray(0, 20_000));
    expect(await scripts.run("restore_mem0.sh", [`${dump}.cut`], env)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is not whole"),
    });
    const broken = (await readFile(dump, "utf8")).replace("CREATE SCHEMA engram;", "CREATE SCHEMA engram; SELECT 1/0;");
    await writeFile(`${dump}.broken`, broken);
    expect(
      await scripts.run("restore_mem0.sh", [`${dump}.broken`], { ...env, RESTORE_DATABASE: "elsewhere" }),
    ).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("elsewhere is as it was"),
    });
    const names = await rows("SELECT datname FROM pg_database WHERE datname NOT LIKE 'template%' ORDER BY 1");
    expect(names).toEqual([{ datname: "mem0" }, { datname: "postgres" }]);
  });

  test("a restore loads every row beside the database in use, and a snapshot into a collection of its own", async () => {
    expect(await scripts.run("backup_mem0.sh", [], env)).toMatchObject({ code: 0 });
    const dump = join(scripts.folder, `mem0_db_backup_${today()}.sql`);
    const snapshot = join(scripts.folder, `qdrant_backup_${today()}.${collection()}.snapshot`);
    const restored = `${collection()}_restored`;
    const target = { ...env, RESTORE_DATABASE: "restored", RESTORE_COLLECTION: restored };
    for (const round of [1, 2]) {
      const { code, stderr } = await scripts.run("restore_mem0.sh", [dump, "--snapshot", snapshot], {
        ...target,
        ...(round === 1 ? {} : { ...asInCompose(), PATH: await pathWithoutCurl() }),
      });
      expect(`${code}: ${stderr}`).toMatch(new RegExp(`^0: ${MEMORIES} memories loaded`));
      // The second time there is one to be kept.
      expect(await rows("SELECT 1 FROM pg_database WHERE datname ~ '^restored(_before_[0-9_]+)?$'")).toHaveLength(
        round,
      );
    }
    const info = await fetch(`${stack.qdrant.url}/collections/${restored}`);
    expect(await info.json()).toMatchObject({ result: { points_count: MEMORIES } });
  });

  test("docs/supabase.md: memories move into a database that can be neither made nor renamed by the commands there", async () => {
    const page = await readFile(join(import.meta.dirname, "../../../docs/supabase.md"), "utf8");
    const commands = page.split("\n").filter((line) => /^ {4}.*\bmem0\.sql$/.test(line));
    expect(commands).toHaveLength(2);
    await onPostgres("CREATE DATABASE project");
    const NEW_URL = databaseUrl.replace(/mem0$/, "project");
    await promisify(execFile)("bash", ["-euo", "pipefail", "-c", commands.join("\n")], {
      cwd: scripts.folder,
      env: { PATH: `${await findPostgresPrograms()}:${process.env["PATH"]}`, OLD_URL: databaseUrl, NEW_URL },
    });
    await stack.restartWorker({ DATABASE_URL: NEW_URL });
    const { db } = stack.workerSockets();
    const contents = "SELECT id, content, version::text FROM memories ORDER BY id";
    expect(await db.query(contents)).toEqual(await rows(contents));
    const triggers = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1";
    expect(await db.query(triggers)).toEqual(await rows(triggers));
    await stack.restartWorker({ DATABASE_URL: databaseUrl });
  });

  // Last, since the worker stays with the restored database.
  test("a worker that starts on a restored database makes the newer index agree with it by itself", async () => {
    expect(await scripts.run("backup_mem0.sh", [], env)).toMatchObject({ code: 0 });
    const before = await rows("SELECT id FROM memories ORDER BY id");
    const { body } = await stack.call("GET", "/api/memories/user/u1?limit=3");
    const [changed, deleted] = (body.memories ?? []).map(({ id }) => `/api/memories/${id}`);
    await stack.call("PUT", changed ?? "", { content: "изменено после копии" });
    await stack.call("DELETE", deleted ?? "");
    await stack.call("POST", "/api/memories", { user_id: "u1", content: "сделано после копии", wait: true });
    await eventually(async () => (await rows("SELECT 1 FROM engram.outbox WHERE topic <> 'schedule'")).length === 0);

    const dump = join(scripts.folder, `mem0_db_backup_${today()}.sql`);
    expect(await scripts.run("restore_mem0.sh", [dump], { ...env, RESTORE_DATABASE: "rewound" })).toMatchObject({
      code: 0,
    });
    const rewound = databaseUrl.replace(/mem0$/, "rewound");
    const since = Date.now();
    await stack.restartWorker({ DATABASE_URL: rewound, RECONCILE_EVERY_HOURS: "24" });
    const { db, schedules, index } = stack.workerSockets();
    const last = await eventually(async () => {
      const status = reconcileStatus(await schedules.get(RECONCILE)).last;
      return status !== undefined && status.finished_at.getTime() > since && status;
    });
    expect(last.targets["main"]).toMatchObject({ missing: 1, stale: 1, orphan: 1 });
    await eventually(
      async () => (await db.query("SELECT 1 FROM engram.outbox WHERE topic <> 'schedule'")).length === 0,
    );
    const { signal } = new AbortController();
    const target = { name: collection(), model: "text-embedding-3-small", dims: 32 };
    const points = await index.scan(target, { limit: 1_000 }, signal);
    expect(points.map(({ id }) => ({ id }))).toEqual(before);
  }, 60_000);
});
