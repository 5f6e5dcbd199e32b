import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import { EMPTY_REPORT, type Bell } from "@engram/memory";
import { bellContract } from "@engram/memory/contracts/bell";
import { startOwnRedis, startProxy } from "@engram/test-equipment";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { createBullMqBell, redisProblems } from "../src/index.ts";
import { until } from "./until.ts";

const url = process.env["ENGRAM_TEST_REDIS_URL"] ?? "";
const whenThere = url === "" ? describe.skip : describe;
const isConnected = (bell: Bell): Promise<boolean> =>
  bell.ping(AbortSignal.timeout(1000)).then(
    () => true,
    () => false,
  );

whenThere("BullMQ", () => {
  afterEach(async () => {
    const redis = new Redis(url);
    await redis.flushall();
    redis.disconnect();
  });

  bellContract("BullMQ", async () => {
    const bell = createBullMqBell({ url, onError: () => undefined });
    await until(() => isConnected(bell));
    return bell;
  });

  test("a job carries the topic alone, and its result is the report", async () => {
    const bell = createBullMqBell({ url, onError: () => undefined });
    const answering = await bell.answer("embed", () => Promise.resolve({ ...EMPTY_REPORT, claimed: 7 }), {
      concurrency: 1,
    });
    await until(() => isConnected(bell));
    bell.ring("embed", { pending: 1 });
    const connection = new Redis(url, { maxRetriesPerRequest: null });
    const queue = new Queue("embed", { connection, prefix: "{engram}" });
    await until(async () => (await queue.getCompletedCount()) > 0);
    expect(await queue.getCompleted()).toMatchObject([
      { name: "embed", data: { topic: "embed" }, returnvalue: { claimed: 7 } },
    ]);
    await queue.close();
    connection.disconnect();
    await answering.stop();
    await bell.close();
  });

  test("many changed rows are a few jobs", async () => {
    const bell = createBullMqBell({ url, onError: () => undefined });
    await until(() => isConnected(bell));
    for (let i = 0; i < 500; i++) bell.ring("embed", { pending: 1 });
    const connection = new Redis(url, { maxRetriesPerRequest: null });
    const queue = new Queue("embed", { connection, prefix: "{engram}" });
    await until(async () => (await queue.getWaitingCount()) > 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await queue.getWaitingCount()).toBeLessThanOrEqual(16);
    await queue.close();
    connection.disconnect();
    await bell.close();
  });

  test("while nobody answers, a few jobs wait and no more, however often it is rung", async () => {
    const bell = createBullMqBell({ url, onError: () => undefined });
    await until(() => isConnected(bell));
    for (let i = 0; i < 200; i++) {
      bell.ring("embed", { pending: i % 10 === 0 ? 1_000 : 1 });
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await bell.close();
    const connection = new Redis(url, { maxRetriesPerRequest: null });
    const queue = new Queue("embed", { connection, prefix: "{engram}" });
    expect(await queue.getWaitingCount()).toBe(8);
    await queue.close();
    connection.disconnect();
  });

  test("a Redis that comes later, and one that goes and comes back, is found by ringer and worker", async () => {
    const proxy = await startProxy(url);
    await proxy.cut();
    const bell = createBullMqBell({ url: proxy.url, onError: () => undefined });
    let heard = 0;
    const work = () => Promise.resolve((heard++, EMPTY_REPORT));
    const answering = await bell.answer("embed", work, { concurrency: 1 });
    const isHeard = async (): Promise<boolean> => {
      const before = heard;
      await until(() => {
        bell.ring("embed", { pending: 1 });
        return heard > before;
      });
      return heard > before;
    };
    bell.ring("embed", { pending: 1 });
    await proxy.restore();
    expect(await isHeard()).toBe(true);
    await proxy.cut();
    bell.ring("embed", { pending: 1 });
    await proxy.restore();
    expect(await isHeard()).toBe(true);
    await answering.stop();
    await bell.close();
    await proxy.cut();
  });

  test("stopping while Redis is away waits for the work in hand", async () => {
    const proxy = await startProxy(url);
    const bell = createBullMqBell({ url: proxy.url, onError: () => undefined });
    let [begun, done] = [0, 0];
    const work = async () => {
      begun++;
      await new Promise((resolve) => setTimeout(resolve, 500));
      done++;
      return EMPTY_REPORT;
    };
    const answering = await bell.answer("embed", work, { concurrency: 1 });
    await until(() => {
      bell.ring("embed", { pending: 1 });
      return begun > 0;
    });
    await proxy.cut();
    await answering.stop();
    expect([begun, done]).toEqual([1, 1]);
    await bell.close();
  });

  test("a Redis that went silent holds up neither a ping nor a stop", async () => {
    const proxy = await startProxy(url);
    const bell = createBullMqBell({ url: proxy.url, onError: () => undefined });
    const answering = await bell.answer("embed", () => Promise.resolve(EMPTY_REPORT), { concurrency: 1 });
    await until(() => isConnected(bell));
    proxy.silence();
    const started = performance.now();
    await expect(bell.ping(AbortSignal.timeout(100))).rejects.toMatchObject({ code: "unavailable" });
    expect(performance.now() - started).toBeLessThan(1_000);
    await answering.stop();
    await bell.close();
    expect(performance.now() - started).toBeLessThan(8_000);
    await proxy.cut();
  });

  test("a first ring into silence is lost, and those after it are heard", async () => {
    const proxy = await startProxy(url);
    let [rung, lost] = [0, 0];
    const bell = createBullMqBell({
      url: proxy.url,
      onError: () => undefined,
      onRings: (outcome, rings) => (outcome === "rung" ? (rung += rings) : (lost += rings)),
      timings: { lookEveryMs: 200 },
    });
    await until(() => isConnected(bell));
    proxy.drop();
    bell.ring("embed", { pending: 1 });
    await until(() => lost === 1);
    await until(() => {
      bell.ring("embed", { pending: 1 });
      return rung > 0;
    });
    await bell.close();
    await proxy.stop();
  });

  test("a good Redis has no problems, an evicting one is told with its cure", async () => {
    expect(await redisProblems(url)).toEqual([]);
    const evicting = await startOwnRedis({ maxmemoryPolicy: "allkeys-lru" });
    expect(await redisProblems(evicting.url)).toMatchObject([
      { code: "redis_eviction", cure: expect.stringContaining("noeviction") },
    ]);
    await evicting.stop();
  });
});

describe("a Redis that is away", () => {
  const away = "redis://127.0.0.1:1";

  test("rings are lost at once: nothing waits, nothing throws", async () => {
    const bell = createBullMqBell({ url: away, onError: () => undefined });
    const started = performance.now();
    bell.ring("embed", { pending: 1 });
    expect(performance.now() - started).toBeLessThan(100);
    await expect(bell.ping(AbortSignal.timeout(100))).rejects.toMatchObject({ code: "unavailable" });
    await bell.close();
  });

  test("a worker that answers there stops in peace", async () => {
    const bell = createBullMqBell({ url: away, onError: () => undefined });
    const answering = await bell.answer("embed", () => Promise.resolve(EMPTY_REPORT), { concurrency: 1 });
    await answering.stop();
    await bell.close();
  });

  test("something that listens and never answers is named too, in seconds", async () => {
    const listener = createServer((socket) => socket.on("error", () => undefined));
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const { port } = listener.address() as AddressInfo;
    expect(await redisProblems(`redis://127.0.0.1:${port}`)).toMatchObject([{ code: "redis_hanging" }]);
    listener.close();
  });

  test("is named with its cure", async () => {
    expect(await redisProblems(away)).toMatchObject([{ code: "redis_unreachable" }]);
  });
});
