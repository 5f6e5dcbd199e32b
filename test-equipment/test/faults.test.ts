import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import {
  startOwnPostgres,
  startOwnQdrant,
  startOwnRedis,
  startProxy,
  type OwnPostgres,
  type OwnRedis,
} from "../src/index.ts";
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

  test("is emptied in place, and by a restart", async () => {
    await say("SET one 1");
    await redis.flush();
    expect(await say("GET one")).toBe("$-1\r\n");
    await say("SET one 1");
    await redis.restart({ empty: true });
    expect(await say("GET one")).toBe("$-1\r\n");
  });

  test("behind a slow proxy: late, and in order", async () => {
    const proxy = await startProxy(redis.url);
    proxy.delay(100);
    const started = performance.now();
    expect(await ask(Number(new URL(proxy.url).port), "SET two 2\r\nGET two\r\n")).toContain("OK");
    expect(performance.now() - started).toBeGreaterThan(190); // there and back
    await proxy.stop();
  });

  test("behind a proxy that resets: what stands ends at once, the next connection is good", async () => {
    const proxy = await startProxy(redis.url);
    const port = Number(new URL(proxy.url).port);
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    await once(socket, "data");
    const ended = once(socket, "error");
    proxy.reset();
    expect(await ended).toMatchObject([{ code: "ECONNRESET" }]);
    expect(await ask(port, "PING\r\n")).toContain("PONG");
    await proxy.stop();
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

test("a Qdrant that is paused answers nothing, and then does all that came meanwhile", async () => {
  const qdrant = await startOwnQdrant();
  qdrant.pause();
  let answered = false;
  const creating = fetch(`${qdrant.url}/collections/late`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: '{"vectors":{"size":2,"distance":"Cosine"}}',
  }).finally(() => {
    answered = true;
  });
  // Longer than it takes to be asked for something that is never answered.
  expect(await ask(Number(new URL(qdrant.url).port), "GET /readyz HTTP/1.0\r\n\r\n")).toBe("");
  expect(answered).toBe(false);
  qdrant.resume();
  expect((await creating).status).toBe(200);
  await qdrant.stop();
});
