import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { EMPTY_REPORT, type Bell } from "@engram/memory";
import { startOwnRedis, startProxy, type OwnRedis, type Proxy } from "@engram/test-equipment";
import { Redis } from "ioredis";
import { createBullMqBell, redisProblems, type RedisProblem } from "../src/index.ts";
import { until } from "./until.ts";

/** A ring is a synchronous call: under the 2 s after which a command that waits fails, however busy the machine. */
const RING_MS_MAX = 1_500;
const SETTINGS = { maxmemory: "0", "maxmemory-policy": "noeviction", "min-replicas-to-write": "0" };

describe("states of Redis", () => {
  let redis: OwnRedis;
  let proxy: Proxy;
  let admin: Redis;
  let bell: Bell;
  let answering: { stop(): Promise<void> };
  let begun: RedisProblem[];
  let over: RedisProblem[];
  let rings: Record<"rung" | "lost", number>;
  let untold: unknown[];

  beforeAll(async () => {
    redis = await startOwnRedis();
    admin = new Redis(redis.url);
    admin.on("error", () => undefined);
  });
  afterAll(async () => {
    admin.disconnect();
    await redis.stop();
  });
  beforeEach(async () => {
    [begun, over, untold, rings] = [[], [], [], { rung: 0, lost: 0 }];
    proxy = await startProxy(redis.url);
    bell = createBullMqBell({
      url: proxy.url,
      onError: (error) => untold.push(error),
      onProblem: (problem) => begun.push(problem),
      onProblemOver: (problem) => over.push(problem),
      onRings: (outcome, n) => (rings[outcome] += n),
      timings: { lookEveryMs: 200, recentMs: 1_000, waitSeconds: 1 },
    });
    // Somebody answers, so that each ring is a job of its own.
    let heard = 0;
    answering = await bell.answer("embed", () => Promise.resolve((heard++, EMPTY_REPORT)), { concurrency: 1 });
    await until(async () => {
      await isRung();
      return heard > 0;
    });
    await until(async () => (await admin.llen("{engram}:embed:wait")) === 0);
    // It has looked once, so that it knows which Redis this is.
    await until(async () => (await admin.exists("{engram}:mark")) === 1);
  });
  afterEach(async () => {
    await answering.stop();
    await bell.close();
    await proxy.stop();
    redis.resume();
    await until(async () => (await admin.ping().catch(() => "")) === "PONG");
    await admin.replicaof("NO", "ONE");
    for (const [name, value] of Object.entries(SETTINGS)) await admin.config("SET", name, value);
    await admin.flushall();
    expect(untold).toEqual([]);
  });

  /** Rings once and tells whether it was heard; fails when the one who rings had to wait. */
  async function isRung(): Promise<boolean> {
    const before = { ...rings };
    const started = performance.now();
    bell.ring("embed", { pending: 1 });
    expect(performance.now() - started).toBeLessThan(RING_MS_MAX);
    await until(() => rings.rung + rings.lost > before.rung + before.lost);
    return rings.rung > before.rung;
  }

  const codes = (problems: readonly RedisProblem[]): string[] => problems.map(({ code }) => code);
  /** It begins, once, with a cure; is not repeated over many looks and rings; and ends, once. */
  async function expectState(code: string, end: () => unknown, { ringsAreLost }: { ringsAreLost: boolean }) {
    await until(() => codes(begun).includes(code));
    for (let i = 0; i < 3; i++) expect(await isRung()).toBe(!ringsAreLost);
    await new Promise((resolve) => setTimeout(resolve, 700)); // three looks more
    expect(codes(begun).filter((one) => one === code)).toEqual([code]);
    expect(begun.find((one) => one.code === code)?.cure).not.toBe("");
    expect(codes(over)).not.toContain(code);
    await end();
    await until(() => codes(over).includes(code));
    await until(() => isRung());
  }

  test("full: rings are lost, and heard again when there is room", async () => {
    await admin.config("SET", "maxmemory", "1");
    await expectState("redis_full", () => admin.config("SET", "maxmemory", "0"), { ringsAreLost: true });
  });

  test("read-only: rings are lost, and heard again when it is a primary", async () => {
    await admin.replicaof("127.0.0.1", "1");
    expect(await redisProblems(redis.url)).toMatchObject([{ code: "redis_read_only" }]);
    await expectState("redis_read_only", () => admin.replicaof("NO", "ONE"), { ringsAreLost: true });
  });

  test("evicting: found although it became so after the start; rings are heard", async () => {
    await admin.config("SET", "maxmemory-policy", "allkeys-lru");
    expect(await redisProblems(redis.url)).toMatchObject([{ code: "redis_eviction" }]);
    await expectState("redis_eviction", () => admin.config("SET", "maxmemory-policy", "noeviction"), {
      ringsAreLost: false,
    });
  });

  test("refusing to write, as with a full disk: the reason is told", async () => {
    // The same refusal as of a disk that is full, from a rule that can be had here: too few replicas.
    await admin.config("SET", "min-replicas-to-write", "1");
    await expectState("redis_refuses", () => admin.config("SET", "min-replicas-to-write", "0"), { ringsAreLost: true });
    expect(begun.find(({ code }) => code === "redis_refuses")?.message).toContain("NOREPLICAS");
  });

  test("away: refused connections are one line, and one more when it is back", async () => {
    await proxy.cut();
    await expectState("redis_unreachable", () => proxy.restore(), { ringsAreLost: true });
  });

  test("hanging: stopped by a signal it takes connections and answers nothing", async () => {
    redis.pause();
    await expectState("redis_hanging", () => redis.resume(), { ringsAreLost: true });
  }, 40_000);

  test("hanging for us alone: a connection that was forgotten on the way is made anew", async () => {
    proxy.drop();
    await until(() => codes(begun).includes("redis_hanging"));
    await until(() => codes(over).includes("redis_hanging"));
    await until(() => isRung());
  });

  test("wiped: told as a moment, and over by itself", async () => {
    await admin.flushall();
    await expectState("redis_wiped", () => undefined, { ringsAreLost: false });
  });

  test("killed and restarted: told as such, its data is there", async () => {
    await redis.restart();
    await until(() => codes(begun).includes("redis_restarted"));
    await until(() => codes(over).includes("redis_restarted"));
    expect(codes(begun)).not.toContain("redis_wiped");
    await until(() => isRung());
  });

  test("a password that is wanted and not given", async () => {
    await admin.config("SET", "requirepass", "secret");
    try {
      await proxy.cut();
      await proxy.restore();
      await until(() => codes(begun).includes("redis_password"));
      expect(await redisProblems(redis.url)).toMatchObject([{ code: "redis_password" }]);
      expect(await isRung()).toBe(false);
    } finally {
      await admin.config("SET", "requirepass", "");
    }
    await until(() => codes(over).includes("redis_password"));
  });

  test("a stop is no trouble: nothing is told after it", async () => {
    await bell.close();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect([...begun, ...over]).toEqual([]);
  });
});
