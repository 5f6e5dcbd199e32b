// CONTRACT.md 1 and 6: probes, the description of the API, metrics.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { create, indexed, search, unique } from "../memories.ts";
import { target } from "../target.ts";
import { until } from "../until.ts";

describe("GET /livez", () => {
  test("200 on every API, without a key", async () => {
    for (const base of target.bases) expect((await api("GET", "/livez", { key: null, base })).status).toBe(200);
  });
});

describe("GET /readyz", () => {
  test("states only without a key, details with one", async () => {
    for (const base of target.bases) {
      const short = await api<Record<string, unknown>>("GET", "/readyz", { key: null, base });
      const long = await api<Record<string, unknown>>("GET", "/readyz", { base });
      expect([short.status, long.status]).toEqual([200, 200]);
      expect(short.text).not.toMatch(/:\/\/|127\.0\.0\.1|localhost|sk-test/);
      expect(short.text).not.toContain(target.collection ?? "no-collection-here");
      expect(long.text.length).toBeGreaterThan(short.text.length);
      expect(long.text).not.toMatch(/sk-test|:\/\/[^/"]*:[^/"]*@/);
      expect(long.text).not.toContain(target.key);
    }
  });
});

describe("GET /openapi.json", () => {
  interface OpenApi {
    openapi: string;
    info: { title: string; version: string };
    paths: Record<string, Record<string, unknown>>;
  }
  const described = async () => (await api<OpenApi>("GET", "/openapi.json", { key: null })).body;

  test("is OpenAPI 3.1", async () => {
    const document = await described();
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(document.info).toMatchObject({ title: expect.any(String), version: expect.any(String) });
  });

  test.each([
    ["/api/health", ["get", "head"]],
    ["/api/memories", ["post"]],
    ["/api/memories/bulk", ["post"]],
    ["/api/memories/search", ["post"]],
    ["/api/memories/{}", ["get", "put", "patch", "delete"]],
    ["/api/memories/{}/history", ["get"]],
    ["/api/memories/user/{}", ["get", "delete"]],
    ["/api/memory/status", ["get"]],
    ["/livez", ["get"]],
    ["/readyz", ["get"]],
    ["/v1/chat/completions", ["post"]],
    ["/v1/models", ["get"]],
  ])("describes %s", async (path, methods) => {
    const paths = Object.entries((await described()).paths);
    const item = paths.find(([name]) => name.replace(/\{[^}]*\}/g, "{}") === path)?.[1];
    expect(Object.keys(item ?? {})).toEqual(expect.arrayContaining(methods));
  });
});

describe("/metrics", () => {
  const page = async (url: string): Promise<string> => {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    expect(response.status).toBe(200);
    return response.text();
  };

  test("401 on the main port without a key, 200 with one", async () => {
    for (const base of target.bases) {
      expect((await api("GET", "/metrics", { key: null, base })).status).toBe(401);
      const answer = await api("GET", "/metrics", { base });
      expect(answer.status).toBe(200);
      expect(answer.text).toMatch(/^# TYPE engram_/m);
    }
  });

  (target.processes.length === 0 ? test.skip : test)(
    "200 on METRICS_PORT of every process, without a key",
    async () => {
      for (const { metricsUrl } of target.processes) {
        const text = await page(metricsUrl);
        expect(text).toMatch(/^# TYPE engram_/m);
        expect(text).toMatch(/^process_resident_memory_bytes |^engram_process_resident_memory_bytes /m);
      }
    },
  );

  (target.processes.length === 0 ? test.skip : test)(
    "they tell of writes, searches and the index, never of users",
    async () => {
      const userId = unique("metrics");
      await indexed(await create({ user_id: userId, content: "Любит чай" }));
      await search({ user_id: userId, query: "чай" });
      const pages = () => Promise.all(target.processes.map(({ metricsUrl }) => page(metricsUrl)));
      const text = await until(
        "a search to be counted, and the outbox to be measured, which is done every few seconds",
        async () => {
          const all = (await pages()).join("\n");
          const isCounted = /^engram_\w*search\w*\{[^}]*outcome="[^"]+"[^}]*\} [1-9]/m.test(all);
          return isCounted && /^engram_outbox_\w+/m.test(all) && all;
        },
        { everyMs: 200 },
      );
      expect(text).toMatch(/^engram_http_\w+\{/m);
      expect(text).toMatch(/^engram_\w*searchable\w*seconds\w*/m);
      expect(text).toMatch(/^engram_\w*batch\w*/m);
      expect(text).not.toContain(userId);
      expect(text).not.toContain("mem_");
    },
  );
});

(target.processes.length === 0 ? describe.skip : describe)("/queues on METRICS_PORT", () => {
  interface Board {
    queues: { jobs: { returnValue?: { claimed: number; seconds: number } | null }[] }[];
  }
  const boards = target.processes.map(({ metricsUrl }) => metricsUrl.replace("/metrics", "/queues"));

  test("with Redis it shows what each job did, without it is not there; never on the main port", async () => {
    for (const base of target.bases) expect((await api("GET", "/queues", { base })).status).toBe(404);
    if (target.kind !== "stack") {
      for (const board of boards) expect((await fetch(board)).status).toBe(404);
      return;
    }
    await indexed(await create({ user_id: unique("queues"), content: "Пьёт чай" }));
    for (const board of boards) {
      expect((await fetch(board)).headers.get("content-type")).toContain("text/html");
      await until(
        "a job with a result",
        async () => {
          const asked = await fetch(`${board}/api/queues?activeQueue=embed&status=completed`);
          const { queues } = (await asked.json()) as Board;
          const jobs = queues.flatMap((queue) => queue.jobs);
          return jobs.some(({ returnValue }) => (returnValue?.claimed ?? 0) > 0 && (returnValue?.seconds ?? 0) > 0);
        },
        { everyMs: 200 },
      );
    }
  });
});
