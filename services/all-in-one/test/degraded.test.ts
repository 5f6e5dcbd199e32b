import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { contentHash, DEFAULT_PROJECT_ID, tenantOf, uuidv7 } from "@engram/memory";
import { eventually, startStack, type Stack } from "./stack.ts";

const whenThere =
  process.env["ENGRAM_TEST_DATABASE_URL"] === undefined || process.env["ENGRAM_TEST_QDRANT_URL"] === undefined
    ? describe.skip
    : describe;

whenThere("with stores and provider in trouble", () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  }, 60_000);
  afterAll(() => stack.close());
  afterEach(async () => {
    await stack.openai.clearFaults();
    await stack.qdrant.clearFaults();
  });

  let users = 0;
  const freshUser = (): string => `user-${++users}`;
  const create = (user_id: string, content: string, given: object = {}) =>
    stack.call("POST", "/api/memories", { user_id, content, ...given });
  const search = (user_id: string, query: string, given: object = {}) =>
    stack.call("POST", "/api/memories/search", { user_id, query, ...given });
  const isIndexed = async (id: string | undefined): Promise<boolean> =>
    (await stack.call("GET", `/api/memories/${id}`)).body.index_status === "indexed";

  test("Qdrant away: writes are accepted, words answer and say so; back again, everything is indexed unaided", async () => {
    const user = freshUser();
    await stack.qdrant.kill();
    const { status, body } = await create(user, "Пользователь живёт в Казани");
    expect(status).toBe(201);
    const found = await search(user, "Где живёт пользователь?");
    expect(found.body.memories).toMatchObject([{ id: body.id }]);
    expect(found.body.degraded).toMatchObject([{ code: "vectors_unavailable" }]);
    await stack.qdrant.restart();
    await eventually(() => isIndexed(body.id));
    expect((await search(user, "Где живёт пользователь?")).body.degraded).toBeUndefined();
  }, 30_000);

  test("provider failing: words answer and say so; strict asks for the guide's error instead", async () => {
    const user = freshUser();
    const { body } = await create(user, "Пользователь пьёт чай", { wait: true });
    await stack.openai.fault({ status: 500, match: "чаепитие" });
    const found = await search(user, "чаепитие чай");
    expect(found.body.memories).toMatchObject([{ id: body.id }]);
    expect(found.body.degraded).toMatchObject([{ code: "embedder_unavailable" }]);
    const strict = await search(user, "чаепитие чай", { strict: true });
    expect(strict).toMatchObject({
      status: 500,
      body: { error: "Internal Server Error", message: "Error generating embeddings" },
    });
  });

  test("provider hanging: words answer at the deadline", async () => {
    const user = freshUser();
    const { body } = await create(user, "Пользователь любит горы", { wait: true });
    await stack.openai.fault({ hang: true, match: "отпуск" });
    const started = performance.now();
    const found = await search(user, "отпуск горы");
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(found.body.memories).toMatchObject([{ id: body.id }]);
    expect(found.body.degraded).toMatchObject([{ code: "deadline" }]);
  });

  test("a text that the provider refuses finds itself: it fails alone, its neighbours are indexed", async () => {
    const user = freshUser();
    await stack.openai.fault({ status: 400, match: "яд" });
    const contents = ["раз", "два", "яд", "три"].map((word) => `Запись ${word} ${user}`);
    const created = await Promise.all(contents.map((content) => create(user, content)));
    const [one, two, poison, three] = created.map((answer) => answer.body.id);
    for (const id of [one, two, three]) await eventually(() => isIndexed(id));
    await eventually(async () => (await stack.call("GET", `/api/memories/${poison}`)).body.index_status === "failed");
    // Mended, it is tried again.
    await stack.openai.clearFaults();
    await stack.call("PUT", `/api/memories/${poison}`, { content: `Запись четыре ${user}` });
    await eventually(() => isIndexed(poison));
  });

  test("parked work is listed with its reason and without the text, tried again, and given up", async () => {
    const user = freshUser();
    await stack.openai.fault({ status: 400, match: "отрава" });
    const ids = await Promise.all(
      ["раз", "два"].map(async (word) => (await create(user, `отрава ${word} ${user}`)).body.id),
    );
    const jobs = await eventually(async () => {
      const { body } = await stack.call("GET", "/api/jobs?limit=100");
      const found = body.jobs?.filter((job) => ids.includes(job.memory_id));
      return found?.length === 2 && found;
    });
    expect(jobs).toMatchObject([{ error: expect.stringContaining("invalid:") }, { attempts: expect.any(Number) }]);
    expect(JSON.stringify(jobs)).not.toContain("отрава");

    const [first, second] = jobs.map((job) => job.id);
    expect(await stack.call("POST", "/api/jobs/discard", { ids: [first] })).toMatchObject({
      status: 200,
      body: { discarded: 1 },
    });
    await stack.openai.clearFaults();
    expect(await stack.call("POST", "/api/jobs/retry", { ids: [second] })).toMatchObject({ body: { retried: 1 } });
    await eventually(() => isIndexed(jobs[1]?.memory_id));
    const { body } = await stack.call("GET", `/api/memories/${jobs[0]?.memory_id}`);
    expect(body.index_status).toBe("failed");
  }, 20_000);

  test.each([
    ["POST", "/api/jobs/retry", {}, 400, "ids"],
    ["POST", "/api/jobs/discard", { ids: ["index:main:mem_1"] }, 400, "ids.0"],
    ["POST", "/api/jobs/retry", { ids: ["x"], all: true }, 400, "ids"],
    ["GET", "/api/jobs?cursor=x", undefined, 400, "cursor"],
    ["GET", "/api/jobs?limit=0", undefined, 400, "limit"],
    ["DELETE", "/api/jobs", undefined, 405, "Allowed"],
  ])("%s %s %j is %i and names %s", async (method, path, body, status, named) => {
    const answer = await stack.call(method, path, body);
    expect(answer.status).toBe(status);
    expect(answer.body.message).toContain(named);
  });

  test("a provider that asks for patience parks nothing", async () => {
    const user = freshUser();
    await stack.openai.fault({ status: 429, times: 2, match: `терпение ${user}` });
    const { body } = await create(user, `терпение ${user}`);
    await eventually(() => isIndexed(body.id));
  }, 20_000);

  test("points without a row, of another version or of another user are never returned", async () => {
    const [user, other] = [freshUser(), freshUser()];
    const { body } = await create(user, "Пользователь играет на скрипке", { wait: true });
    await create(other, "Сосед играет на трубе", { wait: true });
    const [probe] = await stack.sockets.models.embedder
      .embed(["На чём играет?"], new AbortController().signal)
      .then((one) => one.vectors);
    const points = [DEFAULT_PROJECT_ID].map((projectId) => ({
      id: uuidv7(),
      vector: Array.from(probe ?? []),
      payload: {
        tenant: tenantOf({ projectId, userId: user, agentId: null }),
        version: 1,
        h: contentHash("x"),
        level: "user",
        type: "fact",
      },
    }));
    const stored = await fetch(`${stack.qdrant.url}/collections/${stack.collection}/points?wait=true`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ points }),
    });
    expect(stored.status).toBe(200);
    const found = await search(user, "На чём играет?", { limit: 1 });
    expect(found.body.memories).toMatchObject([{ id: body.id }]);
  });

  test("a memory deleted while Qdrant was away does not come back with it", async () => {
    const user = freshUser();
    const { body } = await create(user, "Секрет пользователя", { wait: true });
    await stack.qdrant.kill();
    expect((await stack.call("DELETE", `/api/memories/${body.id}`)).status).toBe(200);
    await stack.qdrant.restart();
    expect((await search(user, "секрет")).body.memories).toEqual([]);
    await eventually(async () => (await stack.sockets.outbox.depth()).every((one) => one.pending === 0));
  }, 30_000);
});

describe("with the truth away", () => {
  test("writes and searches are 503 with Retry-After, the process stays up and says why", async () => {
    const { createLogger, createMetrics } = await import("@engram/telemetry");
    const { loadConfig } = await import("@engram/config");
    const { openSockets, Readiness } = await import("@engram/sockets");
    const { startApi } = await import("@engram/api");
    const config = loadConfig(
      { DATABASE_URL: "postgresql://u:p@127.0.0.1:1/mem0", MEM0_PORT: "39117", MEM0_API_KEY: "k" },
      { cwd: "/nonexistent" },
    );
    const logger = createLogger({ level: "silent", name: "test" });
    const metrics = createMetrics({ version: "test" });
    const sockets = await openSockets(config, { logger, metrics });
    const api = await startApi({
      config,
      logger,
      metrics,
      sockets,
      readiness: new Readiness(config),
      keys: ["k"],
      version: "test",
    });
    const headers = { "x-api-key": "k", "content-type": "application/json" };
    const answer = await fetch(`${api.url}/api/memories`, {
      method: "POST",
      headers,
      body: '{"user_id":"u","content":"c"}',
    });
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await fetch(`${api.url}/api/health`)).status).toBe(200);
    const ready = await eventually(async () => {
      const asked = await fetch(`${api.url}/readyz`, { headers });
      const body = (await asked.json()) as { problems: { message: string; cure: string }[] };
      return body.problems.length > 0 && { ...body, status: asked.status };
    });
    expect(ready).toMatchObject({
      status: 503,
      problems: [
        { code: "database_refused", message: expect.stringContaining("DATABASE_URL"), cure: expect.any(String) },
      ],
    });
    await api.stop();
    await sockets.close();
  }, 30_000);
});
