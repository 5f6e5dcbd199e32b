import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
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
import { eventually } from "./stack.ts";

const whenThere =
  process.env["ENGRAM_TEST_DATABASE_URL"] === undefined || process.env["ENGRAM_TEST_QDRANT_URL"] === undefined
    ? describe.skip
    : describe;

const PASSWORD = "the-password-of-postgres";
const [, EXPORTER = ""] =
  /application_name=(\S+)/.exec(
    readFileSync(join(import.meta.dirname, "../../../docker-compose.exporters.yaml"), "utf8"),
  ) ?? [];
const API_KEY = "the-key-of-qdrant";

/** Does on this machine what docker does with the containers, and notes what it was asked; mem0 has its key by file. */
const DOCKER = `printf '%s\\n' "$*" >> "$NOTES"
if [[ -e $DATA/stopped ]]; then RUNNING=false; fi
export PGHOST=127.0.0.1 PGPORT="$PORT" QDRANT_URL="$URL" QDRANT_API_KEY="" QDRANT_API_KEY_FILE="$KEY_FILE"
case $1 in
  inspect) case $3 in *Running*) echo "$RUNNING" ;; *Config.Env*) echo A=b ;; *Health*) echo healthy ;; *) echo "$3" ;; esac; exit ;;
  ps) for one in mem0 mem0-worker opt-mem0-worker-more-1=mem0-worker-more mem0-backup mem0-migrate postgres; do echo "\${one%=*} \${one#*=}"; done; exit ;;
  stop) touch "$DATA/stopped"; exit ;;
  start) rm "$DATA/stopped"; exit ;;
  run) until [[ $1 == "{{.Image}}" ]]; do shift; done; shift; exec "$@" ;;
  exec) [[ $RUNNING == true || $* != *" mem0 "* ]] || exit 1; shift; [[ $1 == -i ]] && shift; shift; exec "\${@//\\/app\\/data/$DATA}" ;;
esac
exit 64`;

whenThere("infra/backup: secrets by file, through the containers, beside whoever else is connected", () => {
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
  /** Connected to the database of the memories, as a program of that name is. */
  const connectAs = async (name: string) => {
    const psql = join(await findPostgresPrograms(), "psql");
    const child = spawn(psql, ["--dbname", postgres.url.replace(/postgres$/, "mem0")], {
      env: { ...process.env, PGPASSWORD: PASSWORD, PGAPPNAME: name },
      stdio: ["pipe", "ignore", "ignore"],
    });
    const ended = new Promise<void>((resolve) => void child.once("close", () => resolve()));
    const isThere = `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '${name}')`;
    await eventually(async () => (await onPostgres("postgres", isThere)) === "t");
    return {
      hasEnded: () => child.exitCode !== null,
      close: async () => {
        child.stdin.end();
        await ended;
        await eventually(async () => (await onPostgres("postgres", isThere)) === "f");
      },
    };
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

  test("a restore cuts off the exporter, which comes again, and names whoever else is there", async () => {
    expect(await scripts.run("backup_mem0.sh", [], asHardened())).toMatchObject({ code: 0 });
    const [exporter, editor] = await Promise.all([connectAs(EXPORTER), connectAs("an-editor")]);
    expect(await scripts.run("restore_mem0.sh", [dump()], asHardened())).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("The database mem0 is in use by: an-editor at 127.0.0.1. Stop what is named"),
    });
    expect(exporter.hasEnded()).toBe(false);
    await editor.close();
    const { code, stderr } = await scripts.run("restore_mem0.sh", [dump()], asHardened());
    expect(`${code}: ${stderr}`).toMatch(/^0: 1 memories loaded\n/);
    await exporter.close();
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

  describe("through the containers", () => {
    let throughContainers: Record<string, string>;
    const notes = () => readFile(join(scripts.folder, "stub-notes"), "utf8");
    beforeEach(async () => {
      const noting = `printf '%s\\n' "$*" >> "$NOTES"; exec /usr/bin/curl "$@"`;
      throughContainers = {
        PATH_BEFORE: `${await scripts.stub("docker", DOCKER)}:${await scripts.stub("curl", noting)}`,
        RUNNING: "true",
        NOTES: join(scripts.folder, "stub-notes"),
        PORT: port(),
        URL: qdrant.url,
        DATA: await scripts.stub("api-key", "a-key"),
        KEY_FILE: files["QDRANT_API_KEY_FILE"] ?? "",
        PGPASSWORD: PASSWORD,
      };
      const { code, stderr } = await scripts.run("backup_mem0.sh", [], throughContainers);
      expect(`${code}: ${stderr}`).toMatch(/^0: /);
    });

    test("the key of Qdrant is mem0's own, and in no argument", async () => {
      expect(await written()).toContain(`qdrant_backup_${today()}.mem0__m__2.snapshot`);
      expect(await notes()).toContain("/collections/mem0__m__2/snapshots");
      expect(await notes()).not.toContain(API_KEY);
    });

    test("a snapshot is put back while mem0 is stopped, by a container of its image", async () => {
      await inQdrant("POST", "/collections/mem0__m__2/points/delete?wait=true", { points: [1] });
      const given = { ...throughContainers, RUNNING: "false" };
      const { code, stderr } = await scripts.run("restore_mem0.sh", [dump(), "--snapshot", snapshot()], given);
      expect(`${code}: ${stderr}`).toMatch(/^0: 1 memories loaded\n[^]*Collection mem0__m__2 is as in the snapshot\n/);
      expect(await inQdrant("GET", "/collections/mem0__m__2")).toMatchObject({ result: { points_count: 1 } });
      expect(await notes()).not.toContain(API_KEY);
    });

    test("restore_stack.sh stops every API and worker, restores, starts them and waits for the index", async () => {
      const args = [dump(), "--snapshot", snapshot()];
      const given = {
        ...throughContainers,
        PATH_BEFORE: `${throughContainers["PATH_BEFORE"]}:${await scripts.stub("node", "")}`,
      };
      const { code, stderr } = await scripts.run("restore_stack.sh", args, given);
      expect(`${code}: ${stderr}`).toMatch(/^0: Stopped: [^]*\n1 memories loaded\n[^]*\nThe index agrees/);
      const all = "mem0 mem0-worker opt-mem0-worker-more-1";
      const steps = (await notes())
        .split("\n")
        .filter((line) => /^(stop|start)|RENAME|^END .*upload|reconcile/.test(line));
      expect(steps).toEqual([
        `stop --time 60 ${all}`,
        expect.stringContaining("ALTER DATABASE"),
        expect.stringContaining("upload"),
        `start ${all}`,
        "exec mem0 node packages/cli/dist/main.js reconcile --wait",
      ]);
    });

    test("restore_stack.sh starts them again when nothing could be restored", async () => {
      const editor = await connectAs("an-editor");
      const { code, stderr } = await scripts.run("restore_stack.sh", [dump()], throughContainers);
      await editor.close();
      expect(`${code}: ${stderr}`).toMatch(
        /^1: Stopped: [^]*in use by: an-editor [^]*\nStarted: mem0 mem0-worker opt-/,
      );
      expect(await readdir(throughContainers["DATA"] ?? "")).not.toContain("stopped");
    });

    test("restore_stack.sh stops nothing for a dump that is not whole", async () => {
      await writeFile(dump(), "-- a part");
      const { code, stderr } = await scripts.run("restore_stack.sh", [dump()], throughContainers);
      expect(`${code}: ${stderr}`).toMatch(/^1: FAILED: .* is not whole/);
      expect(await notes()).not.toMatch(/^stop/m);
    });

    test.each([
      { lack: "Qdrant does not answer", given: { URL: "http://127.0.0.1:9" }, said: "Qdrant cannot be asked" },
      { lack: "Qdrant refuses the key", given: { KEY_FILE: "/dev/null" }, said: "Qdrant cannot be asked" },
      { lack: "it tells no collection", name: "my.snapshot", said: "set RESTORE_COLLECTION" },
    ])("a snapshot that cannot be put back is told of before anything is changed: $lack", async (one) => {
      const before = await onPostgres("postgres", "SELECT string_agg(datname, ' ' ORDER BY 1) FROM pg_database");
      const file = join(scripts.folder, one.name ?? "");
      if (one.name !== undefined) await copyFile(snapshot(), file);
      const args = [dump(), "--snapshot", one.name === undefined ? snapshot() : file];
      expect(await scripts.run("restore_mem0.sh", args, { ...throughContainers, ...one.given })).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(one.said),
      });
      const after = await onPostgres("postgres", "SELECT string_agg(datname, ' ' ORDER BY 1) FROM pg_database");
      expect(after).toBe(before);
    });
  });
});
