import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Executor } from "@engram/sql";
import { startOwnPostgres, startProxy, type OwnPostgres, type Proxy } from "@engram/test-equipment";
import { createPool } from "../src/index.ts";

/** Far below the pool's own five seconds for a connection, and the fifteen for a statement. */
const AT_ONCE_MS = 1_000;

describe("a PostgreSQL that goes away", () => {
  let postgres: OwnPostgres;
  let proxy: Proxy;
  let db: Executor;
  const told: string[] = [];
  beforeAll(async () => {
    postgres = await startOwnPostgres();
    proxy = await startProxy(postgres.url);
    db = createPool({
      connectionString: proxy.url,
      size: 3,
      statementTimeoutMs: 15_000,
      onError: () => undefined,
      onAway: () => void told.push("away"),
      onBack: () => void told.push("back"),
    });
  });
  afterAll(async () => {
    await db.close();
    await proxy.stop();
    await postgres.stop();
  });

  const ask = () => db.query("SELECT 1 AS one");
  const until = async (condition: () => Promise<boolean>): Promise<void> => {
    const deadline = Date.now() + 10_000;
    while (!(await condition())) {
      if (Date.now() > deadline) throw new Error("it did not come to pass within 10 s");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const isThere = () =>
    ask().then(
      () => true,
      () => false,
    );
  const isRefused = async () => !(await isThere());
  async function expectRefusedAtOnce(): Promise<void> {
    const started = performance.now();
    const asked = await Promise.allSettled(Array.from({ length: 50 }, ask));
    expect(performance.now() - started).toBeLessThan(AT_ONCE_MS);
    for (const one of asked) expect(one).toMatchObject({ status: "rejected", reason: { code: "unavailable" } });
  }

  test("killed: refused at once; restarted: found again by itself", async () => {
    expect(await isThere()).toBe(true);
    await postgres.kill();
    await until(isRefused);
    await expectRefusedAtOnce();
    expect(told).toEqual(["away"]);
    await postgres.restart();
    await until(isThere);
    expect(told).toEqual(["away", "back"]);
  });

  test("a black hole: what waits in it is let go, what comes later fails at once, and all connections are made anew", async () => {
    told.length = 0;
    await Promise.all([ask(), ask(), ask()]);
    proxy.silence();
    const started = performance.now();
    // As many as the pool has connections, and as many again that would wait for one.
    const asked = await Promise.allSettled(Array.from({ length: 6 }, ask));
    expect(asked.every((one) => one.status === "rejected")).toBe(true);
    expect(performance.now() - started).toBeLessThan(10_000);
    await expectRefusedAtOnce();
    await proxy.restore();
    await until(isThere);
    // The silenced connections are no part of the pool any more.
    await Promise.all(Array.from({ length: 6 }, ask));
    expect(told).toEqual(["away", "back"]);
  });

  test("a long statement is left alone", async () => {
    told.length = 0;
    await db.query("SELECT pg_sleep(4)");
    expect(told).toEqual([]);
  });
});
