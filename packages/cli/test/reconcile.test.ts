import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { loadConfig } from "@engram/config";
import { newReconcileRun, RECONCILE, uuidv7, type ReconcileReport } from "@engram/memory";
import { openPGlite } from "@engram/pglite";
import { migrate } from "@engram/postgres";
import { openSockets, Readiness, type Sockets } from "@engram/sockets";
import { createLogger, createMetrics } from "@engram/telemetry";
import { createTestDatabase, type TestDatabase } from "@engram/test-equipment";
import { startWorker, type Worker } from "@engram/worker";
import { engram } from "./cli.ts";

const serverUrl = process.env["ENGRAM_TEST_DATABASE_URL"];
const whenThere = serverUrl === undefined ? describe.skip : describe;

whenThere("engram reconcile", () => {
  let database: TestDatabase;
  let env: Record<string, string>;
  let sockets: Sockets;
  let table: string;
  const logger = createLogger({ level: "silent", name: "test" });
  const metrics = createMetrics({ version: "test" });
  const config = () => loadConfig(env, { cwd: "/nonexistent" });

  const start = (): Worker =>
    startWorker({ sockets, config: config(), logger, metrics, readiness: new Readiness(config()) });

  beforeAll(async () => {
    database = await createTestDatabase(serverUrl ?? "");
    env = { DATABASE_URL: database.url, OUTBOX_POLL_MS: "50", RECONCILE_EVERY_HOURS: "0" };
  }, 60_000);
  afterAll(async () => {
    await sockets.close();
    await database.drop();
  });

  const reportOf = (stdout: string) => JSON.parse(stdout) as ReconcileReport & { finished_at: string };
  const orphans = async (n: number): Promise<void> => {
    await sockets.db.query(
      `INSERT INTO ${table} (id, user_id, memory, hash, version, fingerprint, embedding)
       SELECT t.id, 'u', 'x', t.id, 1, 'h', v.embedding FROM (SELECT embedding FROM ${table} LIMIT 1) v, unnest($1::uuid[]) t (id)`,
      [Array.from({ length: n }, () => uuidv7())],
    );
  };

  test("1 on a database without a schema, with what to do", async () => {
    const { code, stderr } = await engram(["reconcile"], env);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/0001-memories.*engram migrate/) });
  });

  test("without a worker it compares by itself: 0 when nothing differs, 2 when a dry run finds something", async () => {
    sockets = await openSockets(config(), { logger, metrics });
    const worker = start();
    await worker.prepared;
    await sockets.db.script(
      "INSERT INTO memories (user_id, content) SELECT 'u', 'факт ' || n FROM generate_series(1, 20) n",
    );
    const settled = async () =>
      (await sockets.db.query("SELECT 1 FROM engram.outbox WHERE topic <> 'schedule'")).length === 0;
    while (!(await settled())) await new Promise((resolve) => setTimeout(resolve, 20));
    await worker.stop();
    const [found] = await sockets.db.query<{ name: string }>(
      "SELECT attrelid::regclass::text AS name FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE attname = 'embedding' AND c.relkind = 'r'",
    );
    table = found?.name ?? "";

    const calm = await engram(["reconcile"], env);
    expect(calm).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^main: 20 memories, 20 points; 0 missing.*\nCompared in/),
    });
    expect(calm.stderr).toContain("No worker has taken it");

    await orphans(3);
    const dry = await engram(["reconcile", "--dry-run", "--json"], env);
    expect({ code: dry.code, stderr: dry.stderr }).toEqual({ code: 2, stderr: "" });
    expect(reportOf(dry.stdout)).toMatchObject({
      dry_run: true,
      finished_at: expect.any(String),
      targets: { main: { rows: 20, points: 23, orphan: 3, missing: 0, touched: 0 } },
    });
    expect(await settled()).toBe(true);

    const real = await engram(["reconcile", "--json"], env);
    expect(real.code).toBe(0);
    expect(reportOf(real.stdout).targets["main"]).toMatchObject({ orphan: 3, touched: 3 });
    const again = await engram(["reconcile", "--json", "--dry-run"], env);
    expect(again.code).toBe(0);
    expect(reportOf(again.stdout).targets["main"]).toMatchObject({ orphan: 0, pending: 3 });
  }, 90_000);

  test("--wait comes back when the workers have mended what differs", async () => {
    const worker = start();
    try {
      await worker.prepared;
      await orphans(4);
      const { code, stdout } = await engram(["reconcile", "--wait", "--json"], env);
      expect(code).toBe(0);
      expect(reportOf(stdout).targets["main"]).toMatchObject({ rows: 20, points: 20, orphan: 0, pending: 0 });
    } finally {
      await worker.stop();
    }
  }, 60_000);

  test("a run that another one took the place of is followed to the other's end", async () => {
    const asked = engram(["reconcile", "--dry-run"], env);
    for (;;) {
      const schedule = await sockets.schedules.get(RECONCILE);
      if (schedule?.state !== null && schedule?.state !== undefined) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await sockets.schedules.request(RECONCILE, newReconcileRun({ dryRun: false }));
    expect(await asked).toMatchObject({ code: 0, stderr: expect.stringContaining("took the place") });
  }, 60_000);
});

describe("engram reconcile over the embedded database", () => {
  test("0 on its own; 1 beside a running process, with the call that asks it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "engram-reconcile-"));
    const env = { DATA_DIR: folder, MEM0_PORT: "39999" };
    try {
      const db = await openPGlite({ folder });
      await migrate(db);
      const beside = await engram(["reconcile"], env);
      expect(beside.code).toBe(1);
      expect(beside.stderr).toContain(`in use by process ${process.pid}`);
      expect(beside.stderr).toContain("curl -X POST http://127.0.0.1:39999/api/jobs/reconcile");
      await db.close();
      expect(await engram(["reconcile"], env)).toMatchObject({
        code: 0,
        stdout: expect.stringContaining("Compared in"),
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);
});
