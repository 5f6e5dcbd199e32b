import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { EMPTY_REPORT } from "@engram/memory";
import { startOwnRedis, type OwnRedis } from "@engram/test-equipment";
import { createBullMqBell, createQueueDashboard, type QueueDashboard } from "../src/index.ts";
import { until } from "./until.ts";

const REPORT = { ...EMPTY_REPORT, batches: 2, claimed: 70, embedded: 64, deleted: 6, seconds: 0.25 };

describe("the queue's dashboard", () => {
  let redis: OwnRedis;
  let dashboard: QueueDashboard;
  let server: Server;
  let base: string;
  beforeAll(async () => {
    redis = await startOwnRedis();
    const bell = createBullMqBell({ url: redis.url, onError: () => undefined });
    let heard = 0;
    const answering = await bell.answer("embed", () => Promise.resolve((heard++, REPORT)), { concurrency: 1 });
    await until(() => {
      bell.ring("embed", { pending: 1 });
      return heard > 0;
    });
    await answering.stop();
    await bell.close();

    dashboard = await createQueueDashboard(redis.url, "/queues");
    server = createServer((request, response) => dashboard.handle(request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.close();
    server.closeAllConnections();
    await dashboard.close();
    await redis.stop();
  });

  test("the page brings its own scripts and styles, and may load nothing from elsewhere", async () => {
    const page = await fetch(`${base}/queues`);
    expect(page.status).toBe(200);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'self'");
    const html = await page.text();
    expect(html).toContain('<base href="/queues/"');
    const assets = [...html.matchAll(/(?:src|href)="(static\/[^"]+\.(?:js|css))"/g)].map((match) => match[1] ?? "");
    expect(assets.length).toBeGreaterThan(1);
    for (const asset of assets) expect((await fetch(`${base}/queues/${asset}`)).status).toBe(200);
  });

  test("it shows what a job did: batches, counts, seconds", async () => {
    const answer = await fetch(`${base}/queues/api/queues?activeQueue=embed&status=completed&page=1&jobsPerPage=10`);
    const body = (await answer.json()) as { queues: { name: string; readOnlyMode: boolean; jobs: unknown[] }[] };
    expect(body.queues).toMatchObject([
      { name: "embed", readOnlyMode: true, jobs: expect.arrayContaining([expect.objectContaining({ name: "embed" })]) },
      { name: "extract", readOnlyMode: true },
    ]);
    expect(body.queues[0]?.jobs[0]).toMatchObject({ data: { topic: "embed" }, returnValue: REPORT });
  });

  test("it changes nothing, even when asked to", async () => {
    const seeQueues = async (): Promise<unknown> => {
      const answer = await fetch(`${base}/queues/api/queues?activeQueue=embed&status=completed`);
      return ((await answer.json()) as { queues: unknown }).queues;
    };
    const before = await seeQueues();
    expect(before).toMatchObject([
      { isPaused: false, jobs: expect.arrayContaining([expect.objectContaining({ name: "embed" })]) },
      { name: "extract", isPaused: false },
    ]);
    for (const [method, path] of [
      ["PUT", "/queues/api/queues/embed/clean/completed"],
      ["PUT", "/queues/api/queues/embed/pause"],
      ["PUT", "/queues/api/queues/embed/empty"],
      ["POST", "/queues/api/queues/embed/add"],
    ] as const)
      expect((await fetch(base + path, { method })).status).toBeGreaterThanOrEqual(400);
    expect(await seeQueues()).toEqual(before);
  });

  test("without Redis a question fails at once, and the page stands", async () => {
    await redis.kill();
    await until(async () => (await fetch(`${base}/queues/api/queues`)).status >= 500);
    expect((await fetch(`${base}/queues`)).status).toBe(200);
    await redis.restart();
    await until(async () => (await fetch(`${base}/queues/api/queues`)).status === 200);
  });
});
