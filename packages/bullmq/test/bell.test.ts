import { afterEach, describe, expect, test } from "@jest/globals";
import { EMPTY_REPORT } from "@engram/memory";
import { bellContract } from "@engram/memory/contracts/bell";
import { startRedis } from "@engram/test-equipment";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { createBullMqBell, redisProblems } from "../src/index.ts";

const url = process.env["ENGRAM_TEST_REDIS_URL"] ?? "";
const whenThere = url === "" ? describe.skip : describe;
const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + 10_000;
  while (!(await condition()) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
};

whenThere("BullMQ", () => {
  afterEach(async () => {
    const redis = new Redis(url);
    await redis.flushall();
    redis.disconnect();
  });

  bellContract("BullMQ", async () => {
    const bell = createBullMqBell({ url, onError: () => undefined });
    await until(() =>
      bell.ping(AbortSignal.timeout(1000)).then(
        () => true,
        () => false,
      ),
    );
    return bell;
  });

  test("a job carries the topic alone, and its result is the report", async () => {
    const bell = createBullMqBell({ url, onError: () => undefined });
    const answering = await bell.answer("embed", () => Promise.resolve({ ...EMPTY_REPORT, claimed: 7 }), {
      concurrency: 1,
    });
    await until(() =>
      bell.ping(AbortSignal.timeout(1000)).then(
        () => true,
        () => false,
      ),
    );
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
    await until(() =>
      bell.ping(AbortSignal.timeout(1000)).then(
        () => true,
        () => false,
      ),
    );
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

  test("an evicting Redis is told with its cure, a good one is not", async () => {
    expect(await redisProblems(url)).toEqual([]);
    const evicting = await startRedis({ maxmemoryPolicy: "allkeys-lru" });
    if (evicting.url !== url)
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

  test("is named with its cure", async () => {
    expect(await redisProblems(away)).toMatchObject([{ code: "redis_unreachable" }]);
  });
});
