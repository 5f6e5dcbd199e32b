import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import {
  createTestDatabase,
  startOwnPostgres,
  startOwnRedis,
  startProxy,
  type OwnPostgres,
  type OwnRedis,
  type Proxy,
} from "@engram/test-equipment";
import { eventually, startStack, type Stack } from "./stack.ts";

const whenThere =
  process.env["ENGRAM_TEST_DATABASE_URL"] === undefined || process.env["ENGRAM_TEST_QDRANT_URL"] === undefined
    ? describe.skip
    : describe;
/** Work that has failed waits for up to a minute before it is tried again. */
const DRAINED_WITHIN_MS = 90_000;

const isDrained = async (stack: Stack): Promise<boolean> =>
  (await stack.sockets.outbox.depth()).every((one) => one.pending === 0);

/** Every socket answers, and there is nothing for an operator to do. */
async function isReady(stack: Stack): Promise<boolean> {
  const { body } = await stack.call("GET", "/readyz");
  return body.problems?.length === 0 && Object.values(body.sockets ?? {}).every((state) => state === "ok");
}

whenThere("Redis, Qdrant and the provider all away", () => {
  let stack: Stack;
  let redis: OwnRedis;
  let proxy: Proxy;
  beforeAll(async () => {
    redis = await startOwnRedis();
    proxy = await startProxy(redis.url);
    stack = await startStack({ REDIS_URL: proxy.url });
  }, 60_000);
  afterAll(async () => {
    await stack.close();
    await proxy.stop();
    await redis.stop();
  });

  const ways = {
    "refusing connections": async () => {
      await Promise.all([proxy.cut(), stack.qdrant.kill(), stack.openai.fault({ status: 503 })]);
    },
    "taking connections and never answering": async () => {
      proxy.silence();
      await stack.qdrant.fault({ delay_ms: 600_000 });
      await stack.openai.fault({ hang: true });
    },
  };
  for (const [way, takeAway] of Object.entries(ways))
    test(`${way}: writes are accepted, words answer, and afterwards everything is indexed unaided`, async () => {
      const user = `user ${way}`;
      await takeAway();
      const ids: string[] = [];
      for (let i = 0; i < 5; i++) {
        const { status, body } = await stack.call("POST", "/api/memories", {
          user_id: user,
          content: `Пользователь пьёт чай номер ${i}`,
        });
        expect(status).toBe(201);
        ids.push(body.id ?? "");
        const found = await stack.call("POST", "/api/memories/search", { user_id: user, query: `чай номер ${i}` });
        expect(found.status).toBe(200);
        expect(found.body.memories?.map((memory) => memory.id)).toContain(body.id);
        expect(found.body.degraded).not.toEqual([]);
      }
      await Promise.all([proxy.restore(), stack.qdrant.restart(), stack.openai.clearFaults()]);
      await eventually(() => isDrained(stack), { timeoutMs: DRAINED_WITHIN_MS });
      // The worker is back first: the API has circuits of its own, and each probes by itself every few seconds.
      const found = await eventually(async () => {
        const answer = await stack.call("POST", "/api/memories/search", { user_id: user, query: "чай" });
        return answer.body.degraded === undefined && answer;
      });
      expect(found.body.memories?.map((memory) => memory.id)).toEqual(expect.arrayContaining(ids));
    }, 120_000);

  test("Redis away is a problem with its cure, a metric, and one log line for each process until it is back", async () => {
    await eventually(async () =>
      (await stack.metrics()).includes('engram_redis_problem{problem="redis_unreachable"} 0'),
    );
    await eventually(() => isReady(stack));
    stack.logs.splice(0);
    const linesOf = (msg: RegExp) =>
      stack.logs.filter((line) => line.code === "redis_unreachable" && msg.test(line.msg)).length;
    await proxy.cut();
    await eventually(() => linesOf(/cannot be reached/) === 2);
    await stack.call("POST", "/api/memories", { user_id: "u", content: "Любит чай" });
    const ready = await stack.call("GET", "/readyz");
    expect(ready.status).toBe(200);
    expect(ready.body).toMatchObject({
      sockets: { queue: "unavailable" },
      problems: [{ code: "redis_unreachable", cure: expect.stringContaining("Start Redis") }],
    });
    const page = await stack.metrics();
    expect(page).toContain('engram_redis_problem{problem="redis_unreachable"} 1');
    expect(page).toMatch(/engram_rings_total\{outcome="lost"\} [1-9]/);
    await new Promise((resolve) => setTimeout(resolve, 6_000)); // a look more
    expect(linesOf(/cannot be reached/)).toBe(2);
    await proxy.restore();
    await eventually(() => linesOf(/is over/) === 2, { timeoutMs: 20_000 });
    await eventually(() => isReady(stack));
  }, 60_000);
});

/** Until the API has looked at the outbox once more: the next look is seconds away then, and none falls into a test's writes. */
function nextLook({ sockets: { outbox } }: Stack): Promise<void> {
  const look = outbox.depth.bind(outbox);
  return new Promise((resolve) => {
    const seen = async (): ReturnType<typeof look> => {
      Object.assign(outbox, { depth: look });
      const depths = await look();
      setImmediate(resolve);
      return depths;
    };
    Object.assign(outbox, { depth: seen });
  });
}

whenThere("a backlog past its limits", () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ BACKLOG_BULK_LIMIT: "4", BACKLOG_LIMIT: "8" });
  }, 60_000);
  afterAll(() => stack.close());

  test("429 with Retry-After, bulk first, then single writes; what shrinks never; and all is well again unaided", async () => {
    const user = "u";
    const create = (content: string) => stack.call("POST", "/api/memories", { user_id: user, content });
    const bulk = (content: string) =>
      stack.call("POST", "/api/memories/bulk", { memories: [{ user_id: user, content }] });
    await stack.openai.fault({ status: 503 });
    await nextLook(stack);
    const ids: (string | undefined)[] = [];
    for (let i = 0; i < 4; i++) ids.push((await create(`Пользователь пьёт чай номер ${i}`)).body.id);

    const refused = await bulk("Ещё чай");
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(refused.body.message).toContain("bulk writes are refused");
    for (let i = 4; i < 8; i++) expect((await create(`Пользователь пьёт чай номер ${i}`)).status).toBe(201);
    const late = await create("Одна капля слишком");
    expect(late.status).toBe(429);
    expect(Number(late.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await stack.metrics()).toMatch(/engram_writes_total\{operation="create",outcome="refused"\} 1/);

    const path = `/api/memories/${ids[0]}`;
    expect((await stack.call("GET", path)).status).toBe(200);
    expect((await stack.call("POST", "/api/memories/search", { user_id: user, query: "чай" })).status).toBe(200);
    expect((await stack.call("PUT", path, { content: "Пьёт чай" })).status).toBe(200);
    expect((await stack.call("PATCH", path, { metadata: { a: 1 } })).status).toBe(200);
    expect((await stack.call("PUT", path, { content: "Пользователь пьёт очень много чая" })).status).toBe(429);
    expect((await stack.call("DELETE", path)).status).toBe(200);
    // The next look finds it past its limits too, and says so once.
    await eventually(async () => {
      const { body } = await stack.call("GET", "/readyz");
      return JSON.stringify(body).includes("BACKLOG_BULK_LIMIT");
    });
    expect((await bulk("Ещё чай")).status).toBe(429);

    await stack.openai.clearFaults();
    await eventually(async () => (await create("Снова можно")).status === 201, { timeoutMs: DRAINED_WITHIN_MS });
    await eventually(async () => (await bulk("Снова можно и это")).status === 200, { timeoutMs: DRAINED_WITHIN_MS });
    await eventually(async () => !JSON.stringify((await stack.call("GET", "/readyz")).body).includes("backlog_"));
  }, 120_000);
});

whenThere("a truth that goes away under a running service", () => {
  let postgres: OwnPostgres;
  let proxy: Proxy;
  let stack: Stack;
  beforeAll(async () => {
    postgres = await startOwnPostgres();
    proxy = await startProxy(postgres.url);
    const url = new URL((await createTestDatabase(postgres.url)).url);
    url.host = new URL(proxy.url).host;
    stack = await startStack({ DATABASE_URL: url.href });
  }, 60_000);
  afterAll(async () => {
    await stack.close();
    await proxy.stop();
    await postgres.stop();
  });
  afterEach(() => void stack.logs.splice(0));

  let count = 0;
  const create = () => stack.call("POST", "/api/memories", { user_id: "u", content: `Любит чай номер ${++count}` });
  const search = () => stack.call("POST", "/api/memories/search", { user_id: "u", query: "чай" });
  const isRefused = async () => (await create()).status === 503;
  /** Far below the five seconds that a connection may take, and the fifteen of a statement. */
  const AT_ONCE_MS = 1_000;

  async function expectRefusedAtOnce(): Promise<void> {
    const started = performance.now();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? create() : search())));
    expect(performance.now() - started).toBeLessThan(AT_ONCE_MS);
    for (const { status, headers } of answers) {
      expect(status).toBe(503);
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
    }
    const ready = await stack.call("GET", "/readyz");
    expect(ready).toMatchObject({ status: 503, body: { sockets: { truth: "unavailable" } } });
    expect(JSON.stringify(ready.body)).toContain('"cure"');
    expect((await stack.call("GET", "/api/health")).status).toBe(200);
  }

  async function expectBack(): Promise<void> {
    const { body } = await eventually(
      async () => {
        const answer = await create();
        return answer.status === 201 && answer;
      },
      { timeoutMs: 20_000 },
    );
    await eventually(
      async () => (await stack.call("GET", `/api/memories/${body.id}`)).body.index_status === "indexed",
      { timeoutMs: 20_000 },
    );
    await eventually(() => isReady(stack));
    expect(stack.logs.filter((line) => line.msg === "Database is back")).toHaveLength(2);
  }

  test("killed: 503 at once with Retry-After; restarted: both processes go on by themselves", async () => {
    expect((await create()).status).toBe(201);
    await postgres.kill();
    await eventually(isRefused);
    await expectRefusedAtOnce();
    await postgres.restart();
    await expectBack();
  }, 60_000);

  test("a black hole: 503 at once as soon as it is known, and back without a restart", async () => {
    expect((await create()).status).toBe(201);
    proxy.silence();
    await eventually(isRefused, { timeoutMs: 20_000 });
    await expectRefusedAtOnce();
    await proxy.restore();
    await expectBack();
  }, 60_000);
});
