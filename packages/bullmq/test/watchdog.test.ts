import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { EMPTY_REPORT, type Bell } from "@engram/memory";
import { startOwnRedis, startProxy, type OwnRedis, type Proxy } from "@engram/test-equipment";
import { Redis } from "ioredis";
import { createBullMqBell } from "../src/index.ts";
import { until } from "./until.ts";

/** Three waits of an idle consumer. */
const SILENT_MS_MAX = 3_000;
const HEARD_WITHIN_MS = 20_000;

describe("a consumer after trouble with Redis", () => {
  let redis: OwnRedis;
  let proxy: Proxy;
  let bell: Bell;
  let answering: { stop(): Promise<void> };
  let heard: number;
  let busy: number;
  let replaced: number;
  /** What the handler waits for, so that a test can have its hands full. */
  let gate: Promise<void> | undefined;

  beforeAll(async () => {
    redis = await startOwnRedis();
  });
  afterAll(() => redis.stop());
  beforeEach(async () => {
    [heard, busy, replaced, gate] = [0, 0, 0, undefined];
    proxy = await startProxy(redis.url);
    bell = createBullMqBell({
      url: proxy.url,
      onError: () => undefined,
      onConsumerReplaced: () => (replaced += 1),
      timings: { lookEveryMs: 200, waitSeconds: 1, silentMsMax: SILENT_MS_MAX },
    });
    const handler = async () => {
      busy += 1;
      await gate;
      busy -= 1;
      heard += 1;
      return EMPTY_REPORT;
    };
    answering = await bell.answer("embed", handler, { concurrency: 1 });
    await expectHeard();
  });
  afterEach(async () => {
    await answering.stop();
    await bell.close();
    await proxy.stop();
  });

  const ring = (): void => bell.ring("embed", { pending: 1 });
  async function expectHeard(): Promise<void> {
    const before = heard;
    await until(() => {
      ring();
      return heard > before;
    }, HEARD_WITHIN_MS);
  }
  /** Its hands are full when `work` begins, and free again when it is over. */
  async function whileBusy(work: () => Promise<unknown>): Promise<void> {
    let open = (): void => undefined;
    gate = new Promise((resolve) => {
      open = resolve;
    });
    await until(() => {
      ring();
      return busy > 0;
    });
    await work();
    open();
    gate = undefined;
  }

  const troubles: Record<string, () => Promise<unknown>> = {
    "connections forgotten on the way": async () => proxy.drop(),
    "Redis killed and restarted": () => redis.restart(),
    "Redis frozen for longer than its waits": async () => {
      redis.pause();
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      redis.resume();
    },
    "connections cut": async () => {
      await proxy.cut();
      await proxy.restore();
    },
    "clients killed by the server": async () => {
      const admin = new Redis(redis.url);
      await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      admin.disconnect();
    },
  };
  for (const [name, trouble] of Object.entries(troubles)) {
    test(`${name} while it is idle: it answers again`, async () => {
      await trouble();
      await expectHeard();
    }, 40_000);
    test(`${name} while it works: it answers again`, async () => {
      await whileBusy(trouble);
      await expectHeard();
    }, 40_000);
  }

  test("connections forgotten on the way: the consumer was replaced, and the old one is gone", async () => {
    proxy.drop();
    await until(() => replaced > 0, HEARD_WITHIN_MS);
    await expectHeard();
    const admin = new Redis(redis.url);
    const workers = async (): Promise<number> =>
      String(await admin.client("LIST"))
        .split("\n")
        .filter((line) => /cmd=bzpopmin/.test(line)).length;
    // The dropped connections end when the old consumer gives them up.
    await until(async () => (await workers()) <= 1);
    admin.disconnect();
  }, 40_000);

  test("idle, busy or without a Redis it is left alone", async () => {
    const period = () => new Promise((resolve) => setTimeout(resolve, 1.7 * SILENT_MS_MAX));
    await period();
    await whileBusy(period);
    await proxy.cut();
    await period();
    await proxy.restore();
    await expectHeard();
    expect(replaced).toBe(0);
  }, 60_000);
});
