import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { openPGlite } from "@engram/pglite";
import { migrate } from "@engram/postgres";
import { engram } from "./cli.ts";

describe("engram backup and engram restore over the embedded database", () => {
  let place: string;
  let env: { DATA_DIR: string; BACKUP_DIR: string };
  let archive: string;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), "engram-backup-"));
    env = { DATA_DIR: join(place, "data"), BACKUP_DIR: join(place, "backups") };
    archive = join(env.BACKUP_DIR, `mem0_backup_${new Date().toLocaleDateString("sv").replaceAll("-", "")}.tar.gz`);
    await inDatabase(async (db) => {
      await migrate(db);
      await db.script("INSERT INTO memories (user_id, content) SELECT 'u', 'факт ' || n FROM generate_series(1, 30) n");
    });
  }, 60_000);
  afterAll(() => rm(place, { recursive: true, force: true }));

  const inDatabase = async <T>(work: (db: Awaited<ReturnType<typeof openPGlite>>) => Promise<T>): Promise<T> => {
    const db = await openPGlite({ folder: env.DATA_DIR });
    try {
      return await work(db);
    } finally {
      await db.close();
    }
  };
  const contents = () => inDatabase((db) => db.query<{ content: string }>("SELECT content FROM memories ORDER BY id"));
  const status = () => readFile(join(env.BACKUP_DIR, "engram_backup.prom"), "utf8");

  test("beside a running process: one line that says which to stop, and no backup", async () => {
    const { code, stderr } = await inDatabase(() => engram(["backup"], env));
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/in use by process \d+\. Stop that/) });
    expect(await readdir(env.BACKUP_DIR)).toEqual(["engram_backup.prom"]);
    expect(await status()).toContain("engram_backup_last_result 0\n");
  }, 60_000);

  test("the archive, and those of 30 days gone, nothing else", async () => {
    for (const name of ["mem0_backup_20200101.tar.gz", "mem0_backup_of_mine.tar.gz"]) {
      await writeFile(join(env.BACKUP_DIR, name), "x");
      await utimes(join(env.BACKUP_DIR, name), 0, 0);
    }
    const { code, stdout } = await engram(["backup"], env);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(`${archive}: 30 memories`) });
    expect((await readdir(env.BACKUP_DIR)).toSorted()).toEqual([
      "engram_backup.prom",
      archive.slice(env.BACKUP_DIR.length + 1),
      "mem0_backup_of_mine.tar.gz",
    ]);
    expect(await status()).toMatch(/engram_backup_last_success_timestamp_seconds \d{10}\n/);
  }, 60_000);

  test("a restore brings back what was deleted, keeps what it replaces, and the index agrees", async () => {
    const before = await contents();
    await inDatabase((db) =>
      db.script(
        "DELETE FROM memories WHERE content LIKE '%1%'; INSERT INTO memories (user_id, content) VALUES ('u', 'новое')",
      ),
    );
    const beside = await inDatabase(() => engram(["restore", archive], env));
    expect(beside).toMatchObject({ code: 1, stderr: expect.stringContaining("Stop that process") });

    const { code, stdout, stderr } = await engram(["restore", archive], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(
      /^30 memories restored\n.*is kept as .*pglite\.before-\S+; .*\nThe index agrees with them\n$/,
    );
    expect(await contents()).toEqual(before);
    const dry = await engram(["reconcile", "--dry-run", "--json"], env);
    expect(JSON.parse(dry.stdout)).toMatchObject({
      targets: { main: { rows: 30, points: 30, missing: 0, pending: 0 } },
    });
  }, 120_000);

  test("what is no backup changes nothing", async () => {
    const before = await contents();
    const broken = join(place, "broken.tar.gz");
    await writeFile(broken, (await readFile(archive)).subarray(0, 100_000));
    const { code, stderr } = await engram(["restore", broken], env);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("is no whole backup") });
    expect(await engram(["restore", join(place, "nothing")], env)).toMatchObject({ code: 1 });
    expect(await contents()).toEqual(before);
  }, 60_000);

  test("over a PostgreSQL both name the scripts that do it", async () => {
    const server = { ...env, DATABASE_URL: "postgresql://nobody@127.0.0.1:1/mem0" };
    expect((await engram(["backup"], server)).stderr).toContain("infra/backup/backup_mem0.sh");
    const { stderr } = await engram(["restore", archive], server);
    for (const script of ["infra/backup/restore_stack.sh", "infra/backup/restore_mem0.sh"])
      expect(stderr).toContain(script);
  });
});
