// What an operator sees when something is wrong at the start: one clear line with its cure, on a process that stays up
// where the environment is not ready, and ends where the configuration is malformed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { startRedis } from "@engram/test-equipment";
import { target } from "../target.ts";
import { until } from "../until.ts";
import { readiness, repository, start, stopStarted } from "./started.ts";

afterAll(stopStarted);

async function doctor(environment: Record<string, string>): Promise<{ exitCode: number | null; lines: string[] }> {
  const child = spawn(process.execPath, [join(repository, "packages", "cli", "dist", "main.js"), "doctor"], {
    cwd: environment["DATA_DIR"],
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], ...environment },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
  await once(child, "close");
  return { exitCode: child.exitCode, lines: output.trim().split("\n") };
}

/** Of a server that listens as long as the tests run. */
async function takenPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const onceOnly = target.kind === "embedded" ? describe : describe.skip;

onceOnly("a start in trouble", () => {
  test("a folder that another process uses: one line that names it, exit 1", async () => {
    const first = await start({});
    await until("the first to be ready", async () => (await readiness(first))?.status === 200, { timeoutMs: 60_000 });
    const second = await start({ DATA_DIR: first.directory });
    await once(second.child, "exit");
    expect(second.child.exitCode).toBe(1);
    expect(second.output().trim().split("\n")).toEqual([
      expect.stringMatching(/^DATA_DIR: .* is in use by process \d+\. Stop that process, or/),
    ]);
  }, 90_000);

  test.each([
    [
      "a port that is in use",
      async () => ({ MEM0_PORT: String(await takenPort()) }),
      /^MEM0_PORT: port \d+ .* in use\. Stop/,
    ],
    [
      "a host of another machine",
      async () => ({ MEM0_HOST: "203.0.113.1" }),
      /^MEM0_HOST: 203\.0\.113\.1 .* Set MEM0_HOST/,
    ],
  ])(
    "%s: one line with the setting and the cure, exit 1",
    async (_name, environment, line) => {
      const started = await start(await environment());
      await once(started.child, "exit");
      expect(started.child.exitCode).toBe(1);
      const told = started
        .output()
        .trim()
        .split("\n")
        .filter((one) => !one.startsWith("{"));
      expect(told).toEqual([expect.stringMatching(line)]);
    },
    60_000,
  );

  test("doctor, while Engram has the folder: what the running one says; after its stop: what it sees itself", async () => {
    const running = await start({});
    await until("it to be ready", async () => (await readiness(running))?.status === 200, { timeoutMs: 60_000 });
    const environment = {
      DATA_DIR: running.directory,
      MEM0_PORT: new URL(running.base).port,
      MEM0_API_KEY: "key",
    };
    expect(await doctor(environment)).toEqual({
      exitCode: 0,
      lines: [
        expect.stringMatching(/^ok {3}engram {3}runs on 127\.0\.0\.1:\d+, and says:/),
        ...["truth", "vectors", "queue", "models"].map((socket) => expect.stringMatching(`^ok   ${socket} .*: ok$`)),
      ],
    });
    running.child.kill("SIGTERM");
    await once(running.child, "exit");
    expect(await doctor(environment)).toMatchObject({
      exitCode: 0,
      lines: [
        expect.stringMatching(/^ok {3}truth .*schema up to date/),
        ...Array.from({ length: 3 }, () => expect.any(String)),
      ],
    });
  }, 90_000);

  test("malformed configuration: every fault in one go, exit 1", async () => {
    const started = await start({ MEM0_PORT: "70000", QDRANT_URL: "nonsense", METRICS_PORT: "x" });
    await once(started.child, "exit");
    expect(started.child.exitCode).toBe(1);
    for (const name of ["MEM0_PORT", "QDRANT_URL", "METRICS_PORT"]) expect(started.output()).toContain(name);
  });

  test.each([
    ["DATABASE_URL", "nothing listens there", "postgresql://u:p@127.0.0.1:1/mem0", "database_refused"],
    ["MEM0_DATABASE_URL", "nothing listens there", "postgresql://u:p@127.0.0.1:1/mem0", "database_refused"],
    ["DATABASE_URL", "the host cannot be resolved", "postgresql://u:p@no-such-host.invalid:5432/mem0", "database_host"],
  ])(
    "%s, %s: it stays up and says so once, with a cure",
    async (variable, _name, url, code) => {
      const started = await start({ [variable]: url });
      const seen = await until("the problem to be told", async () => {
        const state = await readiness(started);
        return state !== undefined && state.problems.length > 0 && state;
      });
      expect(seen).toMatchObject({
        status: 503,
        problems: [{ code, message: expect.stringMatching(`^${variable}: `), cure: expect.stringMatching(/\w/) }],
      });
      const lines = started
        .output()
        .split("\n")
        .filter((line) => line.includes(code));
      expect(lines).toHaveLength(1);
      expect(started.child.exitCode).toBeNull();
    },
    30_000,
  );

  test("a Redis that evicts: one line with the cure, and it works all the same", async () => {
    const redis = await startRedis({ maxmemoryPolicy: "allkeys-lru" });
    const started = await start({ REDIS_URL: redis.url });
    const seen = await until(
      "the problem to be told",
      async () => {
        const state = await readiness(started);
        return state?.status === 200 && state.problems.length > 0 && state;
      },
      { timeoutMs: 60_000 },
    );
    expect(seen.problems).toMatchObject([{ code: "redis_eviction", cure: expect.stringContaining("noeviction") }]);
    started.child.kill("SIGTERM");
    await once(started.child, "exit");
    expect(started.child.exitCode).toBe(0);
    await redis.stop();
  }, 90_000);
});
