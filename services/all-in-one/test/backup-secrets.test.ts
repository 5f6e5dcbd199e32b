import { execFile } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import {
  findPostgresPrograms,
  startOwnPostgres,
  startOwnQdrant,
  type OwnPostgres,
  type OwnQdrant,
} from "@engram/test-equipment";
import { openBackupScripts, type BackupScripts } from "./backup-scripts.ts";

const whenThere =
  process.env["ENGRAM_TEST_DATABASE_URL"] === undefined || process.env["ENGRAM_TEST_QDRANT_URL"] === undefined
    ? describe.skip
    : describe;

const PASSWORD = "the-password-of-postgres";
const API_KEY = "the-key-of-qdrant";

/** Does on this machine what docker does with the containers, and notes what it was asked; mem0 has its key by file. */
const DOCKER = `printf '%s\\n' "$*" >> "$NOTES"
export PGHOST=127.0.0.1 PGPORT="$PORT" QDRANT_URL="$URL" QDRANT_API_KEY="" QDRANT_API_KEY_FILE="$KEY_FILE"
case $1 in
  exec) shift; [[ $1 == -i ]] && shift; shift; exec "\${@//\\/app\\/data/$DATA}" ;;
esac
exit 64`;

whenThere("infra/backup where the stores ask for secrets, and files hold them", () => {
  let postgres: OwnPostgres;
  let qdrant: OwnQdrant;
  let scripts: BackupScripts;
  let files: Record<string, string>;

  beforeAll(async () => {
    [postgres, qdrant] = await Promise.all([startOwnPostgres(), startOwnQdrant({ apiKey: API_KEY })]);
    await inQdrant("PUT", "/collections/mem0__m__2", { vectors: { size: 2, distance: "Cosine" } });
    await inQdrant("PUT", "/collections/mem0__m__2/points?wait=true", { points: [{ id: 1, vector: [1, 0] }] });
    await inQdrant("POST", "/collections/aliases", {
      actions: [{ create_alias: { alias_name: "mem0_memories", collection_name: "mem0__m__2" } }],
    });
    await onPostgres("postgres", "CREATE DATABASE mem0");
    await onPostgres("mem0", "CREATE TABLE memories AS SELECT 'one' AS content");
    await onPostgres("postgres", `ALTER ROLE postgres PASSWORD '${PASSWORD}'`);
    const place = await onPostgres("postgres", "SHOW hba_file");
    await onPostgres("postgres", `COPY (SELECT 'host all all all scram-sha-256') TO '${place}'`);
    await onPostgres("postgres", "SELECT pg_reload_conf()");
  }, 60_000);
  afterAll(async () => {
    await Promise.all([postgres.stop(), qdrant.stop()]);
  });
  beforeEach(async () => {
    scripts = await openBackupScripts();
    const place = await scripts.stub("secrets", "");
    await writeFile(join(place, "password"), `${PASSWORD}\n`);
    await writeFile(join(place, "key"), `${API_KEY}\n`);
    files = { PGPASSWORD_FILE: join(place, "password"), QDRANT_API_KEY_FILE: join(place, "key") };
  });
  afterEach(() => scripts.remove());

  const inQdrant = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(`${qdrant.url}${path}`, {
      method,
      headers: { "api-key": API_KEY, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expect(answer.status).toBe(200);
    return answer.json();
  };
  const onPostgres = async (database: string, sql: string): Promise<string> => {
    const psql = join(await findPostgresPrograms(), "psql");
    const url = postgres.url.replace(/postgres$/, database);
    const { stdout } = await promisify(execFile)(psql, ["--dbname", url, "-At", "--command", sql], {
      env: { ...process.env, PGPASSWORD: PASSWORD },
    });
    return stdout.trim();
  };
  const port = () => new URL(postgres.url).port;
  const today = () => new Date().toLocaleDateString("sv").replaceAll("-", "");
  const written = async () => (await readdir(scripts.folder)).filter((name) => !name.startsWith("stub-")).toSorted();
  const dump = () => join(scripts.folder, `mem0_db_backup_${today()}.sql`);
  const snapshot = () => join(scripts.folder, `qdrant_backup_${today()}.mem0__m__2.snapshot`);
  /** As `docker exec mem0-backup` finds it in the hardened stack. */
  const asHardened = () => ({
    PGHOST: "127.0.0.1",
    PGPORT: port(),
    PGUSER: "postgres",
    PGPASSWORD: "",
    PGDATABASE: "mem0",
    QDRANT_URL: qdrant.url,
    QDRANT_API_KEY: "",
    ...files,
  });

  test("a backup and a restore take password and key from them", async () => {
    const backup = await scripts.run("backup_mem0.sh", [], asHardened());
    expect(`${backup.code}: ${backup.stderr}`).toMatch(/^0: /);
    const restore = await scripts.run("restore_mem0.sh", [dump(), "--snapshot", snapshot()], asHardened());
    expect(`${restore.code}: ${restore.stderr}`).toMatch(/^0: 1 memories loaded\n/);
  });

  test("a file that cannot be read is named, and the failure told to Prometheus", async () => {
    const lacking = { ...asHardened(), PGPASSWORD_FILE: "/nowhere/password" };
    expect(await scripts.run("backup_mem0.sh", [], lacking)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("FAILED: PGPASSWORD_FILE: /nowhere/password cannot be read\n"),
    });
    const status = await readFile(join(scripts.folder, "engram_backup.prom"), "utf8");
    expect(status).toContain("engram_backup_last_result 0\n");
  });

  test("through the containers the key is mem0's own, and in no argument", async () => {
    const data = await scripts.stub("api-key", "a-key");
    const notes = join(scripts.folder, "stub-notes");
    const noting = `printf '%s\\n' "$*" >> "$NOTES"; exec /usr/bin/curl "$@"`;
    const { code, stderr } = await scripts.run("backup_mem0.sh", [], {
      PATH_BEFORE: `${await scripts.stub("docker", DOCKER)}:${await scripts.stub("curl", noting)}`,
      NOTES: notes,
      PORT: port(),
      URL: qdrant.url,
      DATA: data,
      KEY_FILE: files["QDRANT_API_KEY_FILE"] ?? "",
      PGPASSWORD: PASSWORD,
    });
    expect(`${code}: ${stderr}`).toMatch(/^0: /);
    expect(await written()).toContain(`qdrant_backup_${today()}.mem0__m__2.snapshot`);
    const asked = await readFile(notes, "utf8");
    expect(asked).toContain("/collections/mem0__m__2/snapshots");
    expect(asked).not.toContain(API_KEY);
  });
});
