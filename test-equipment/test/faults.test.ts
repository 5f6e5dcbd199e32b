import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { startOwnPostgres, startOwnRedis, startProxy, type OwnPostgres, type OwnRedis } from "../src/index.ts";
import { ask } from "../src/process.ts";

describe("a Redis of one test's own", () => {
  let redis: OwnRedis;
  beforeAll(async () => {
    redis = await startOwnRedis();
  });
  afterAll(() => redis.stop());
  const say = (line: string): Promise<string> => ask(Number(new URL(redis.url).port), `${line}\r\n`);

  test("comes back after a kill, on its port and with its data", async () => {
    await say("SET one 1");
    // Every second it writes its file to the disk; what is in the kernel's hands outlives the process.
    await redis.kill();
    expect(await say("PING")).toBe("");
    await redis.restart();
    expect(await say("GET one")).toContain("1");
  });

  test("answers nothing while it is paused", async () => {
    redis.pause();
    expect(await say("PING")).toBe("");
    redis.resume();
    expect(await say("PING")).toContain("PONG");
  });

  test("behind a proxy: cut, silent, dropped, and back", async () => {
    const proxy = await startProxy(redis.url);
    const port = Number(new URL(proxy.url).port);
    const ping = (): Promise<string> => ask(port, "PING\r\n");
    expect(await ping()).toContain("PONG");
    proxy.silence();
    expect(await ping()).toBe("");
    await proxy.restore();
    expect(await ping()).toContain("PONG");
    await proxy.cut();
    expect(await ping()).toBe("");
    await proxy.restore();
    proxy.drop();
    expect(await ping()).toContain("PONG");
    await proxy.stop();
  });
});

describe("a PostgreSQL of one test's own", () => {
  let postgres: OwnPostgres;
  beforeAll(async () => {
    postgres = await startOwnPostgres();
  });
  afterAll(() => postgres.stop());
  const read = async (sql: string): Promise<unknown> => {
    const client = new pg.Client({ connectionString: postgres.url });
    client.on("error", () => undefined);
    await client.connect();
    const { rows } = await client.query<Record<string, unknown>>(sql);
    await client.end();
    return rows[0];
  };

  test("comes back after a kill with what it had committed", async () => {
    await read("CREATE TABLE seeds AS SELECT 7 AS n");
    await postgres.kill();
    await expect(read("SELECT 1 AS one")).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await postgres.restart();
    expect(await read("SELECT n FROM seeds")).toEqual({ n: 7 });
  });
});
