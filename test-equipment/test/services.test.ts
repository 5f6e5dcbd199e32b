import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { createTestDatabase, startPostgres, startRedis, type Postgres } from "../src/index.ts";
import { ask, startProcess } from "../src/process.ts";

const run = promisify(execFile);

describe("PostgreSQL", () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres({ settings: { statement_timeout: "5s" } });
  });
  afterAll(async () => {
    await postgres.stop();
  });

  const read = async (url: string, sql: string): Promise<unknown> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows[0];
    } finally {
      await client.end();
    }
  };

  test("has vectors, room for connections, and keeps what it commits", async () => {
    const database = await createTestDatabase(postgres.url);
    await read(database.url, "CREATE EXTENSION vector");
    expect(await read(database.url, "SELECT ('[1,0]'::vector <=> '[0,1]'::vector)::float8 AS distance")).toEqual({
      distance: 1,
    });
    const setting = "SELECT current_setting('fsync') AS fsync, current_setting('max_connections')::int >= 200 AS room";
    expect(await read(database.url, setting)).toEqual({ fsync: "on", room: true });
    await database.drop();
  });

  test("databases are copies of a template and are dropped under open connections", async () => {
    const template = await createTestDatabase(postgres.url);
    await read(template.url, "CREATE TABLE seeds AS SELECT 7 AS n");
    const name = new URL(template.url).pathname.slice(1);
    const copies = await Promise.all([1, 2].map(() => createTestDatabase(postgres.url, { template: name })));
    for (const copy of copies) {
      expect(await read(copy.url, "SELECT n FROM seeds")).toEqual({ n: 7 });
      const open = new pg.Client({ connectionString: copy.url });
      open.on("error", () => undefined);
      await open.connect();
      await copy.drop();
      await open.end().catch(() => undefined);
    }
    await template.drop();
  });
});

describe("Redis", () => {
  test("answers, evicts nothing, and is gone after stop", async () => {
    const redis = await startRedis();
    const port = Number(new URL(redis.url).port);
    expect(await ask(port, "CONFIG GET maxmemory-policy\r\n")).toContain("noeviction");
    await redis.stop();
    if (process.env["REDIS_URL"] === undefined) expect(await ask(port, "PING\r\n")).toBe("");
  });
});

describe("a child process", () => {
  test("ends and leaves no folder when its parent is killed", async () => {
    const directory = mkdtempSync(join(tmpdir(), "engram-test-orphan-"));
    const module = fileURLToPath(new URL("../src/process.ts", import.meta.url));
    const script = `
      const { startProcess } = await import(${JSON.stringify(module)});
      const child = await startProcess({ command: "sleep", args: ["60"], directory: ${JSON.stringify(directory)}, stopSignal: "SIGTERM" });
      console.log(child.pid);
      setInterval(() => undefined, 1000);`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pid = await new Promise<number>((resolve) => parent.stdout.once("data", (data) => resolve(Number(data))));
    expect(isAlive(pid)).toBe(true);
    parent.kill("SIGKILL");
    await until(() => !isAlive(pid) && !existsSync(directory));
  });

  test("that is stopped takes its guardian along", async () => {
    const directory = mkdtempSync(join(tmpdir(), "engram-test-stopped-"));
    const child = await startProcess({ command: "sleep", args: ["60"], directory, stopSignal: "SIGTERM" });
    await child.stop();
    expect(existsSync(directory)).toBe(false);
    await until(async () => !(await run("ps", ["-ef"])).stdout.includes(directory));
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("condition not met within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
