import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ROUTES } from "../../services/api/src/routes/index.ts";
import { findTool } from "../../test-equipment/src/index.ts";
import { startApi, startFront, type Api, type Front } from "./caddy.ts";

const run = promisify(execFile);
const caddy = (await findTool("caddy")) ?? "";
const whenThere = caddy === "" ? describe.skip : describe;
const folder = join(import.meta.dirname, "..", "caddy");
const guideHeaders = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "SAMEORIGIN",
  "referrer-policy": "strict-origin-when-cross-origin",
};

/** The words after /api/ that clients call. Whatever else there is administers the service. */
const OF_CLIENTS = ["memories", "memory", "events", "context", "chat", "users", "agents", "sessions", "erasures"];
const isOfClients = (path: string): boolean => OF_CLIENTS.includes(path.split("/")[2] ?? "");
const paths = [...new Set(ROUTES.map(({ path }) => path))];

whenThere("caddy validate", () => {
  test.each(["Caddyfile", "Caddyfile.lan"])("%s", async (file) => {
    const env = { ...process.env, DOMAIN_NAME: "example.com" };
    const { stdout } = await run(caddy, ["validate", "--config", join(folder, file), "--adapter", "caddyfile"], {
      env,
    });
    expect(stdout).toContain("Valid configuration");
  });

  test.each(["Caddyfile", "Caddyfile.lan", "mem0.caddy"])("%s is formatted as caddy fmt does", async (file) => {
    await expect(run(caddy, ["fmt", "--diff", join(folder, file)])).resolves.toMatchObject({
      stdout: expect.not.stringMatching(/^[+-]/m),
    });
  });
});

whenThere("Caddy on a LAN", () => {
  let api: Api;
  let front: Front;
  beforeAll(async () => {
    api = await startApi();
    front = await startFront(caddy, "Caddyfile.lan", { upstreamPort: api.port });
  });
  afterAll(async () => {
    await front.stop();
    await api.stop();
  });

  test("serves plain http under any address, with the guide's headers and without Strict-Transport-Security", async () => {
    const { status, headers } = await front.ask("/api/health");
    expect(status).toBe(200);
    expect(headers).toMatchObject(guideHeaders);
    expect(headers).not.toHaveProperty("strict-transport-security");
    expect(headers).not.toHaveProperty("server");
  });

  test.each([
    "/metrics",
    "/metrics/x",
    "/METRICS",
    "/%6detrics",
    "//metrics",
    "/api/../metrics",
    "/queues",
    "/queues/api/queues",
    "/Api/Jobs",
    "/api/keys",
    "/api/audit",
    "/api/webhooks",
    "/api/Retention/preview",
    ...paths.filter((path) => !isOfClients(path)),
  ])("%s stays inside", async (path) => {
    const before = api.seen.length;
    expect(await front.ask(path)).toMatchObject({ status: 404 });
    expect(api.seen).toHaveLength(before);
  });

  test.each([
    "/api/memories/user/metrics",
    "/metricsx",
    "/api/users/jobs/export",
    "/livez",
    "/docs",
    ...paths.filter(isOfClients),
  ])("%s is served", async (path) => {
    expect(await front.ask(path)).toMatchObject({ status: 200 });
    expect(api.seen.at(-1)).toBe(path);
  });

  test("a bulk request of 16 MiB gets through; 413 for one that says it is larger than 17 MB, unread", async () => {
    const bulk = { method: "POST", body: Buffer.alloc(16 * 1024 * 1024) } as const;
    expect(await front.ask("/api/memories/bulk", bulk)).toMatchObject({ status: 200, body: String(bulk.body.length) });
    const before = api.seen.length;
    const announced = { method: "POST", headers: { "content-length": "17000000", expect: "100-continue" } } as const;
    expect(await front.ask("/api/memories/bulk", announced)).toMatchObject({ status: 413 });
    expect(api.seen).toHaveLength(before);
  });

  test("without the switch every address is let in", async () => {
    expect(await front.ask("/api/health", { from: "127.0.0.2" })).toMatchObject({ status: 200 });
  });

  test("a restart of the API is a wait, not an error", async () => {
    await api.stop();
    const answer = front.ask("/api/health");
    const early = await Promise.race([answer, front.ask("/metrics")]);
    expect(early.status).toBe(404);
    api = await startApi(api.port);
    expect(await answer).toMatchObject({ status: 200 });
  });
});

whenThere("the list of allowed addresses", () => {
  let api: Api;
  let front: Front;
  beforeAll(async () => {
    api = await startApi();
    const env = { MEM0_ALLOWED_IPS: "192.168.1.0/24 127.0.0.1" };
    front = await startFront(caddy, "Caddyfile.lan", { upstreamPort: api.port, env });
  });
  afterAll(async () => {
    await front.stop();
    await api.stop();
  });

  test("200 for one that is on it", async () => {
    expect(await front.ask("/api/health", { from: "127.0.0.1" })).toMatchObject({ status: 200 });
  });

  test("403 for another one, before anything reaches the API, whatever its headers claim", async () => {
    const before = api.seen.length;
    for (const headers of [{}, { "x-forwarded-for": "127.0.0.1" }, { "x-real-ip": "127.0.0.1" }]) {
      const { status, body } = await front.ask("/api/health", { from: "127.0.0.2", headers });
      expect(status).toBe(403);
      expect(JSON.parse(body)).toMatchObject({ error: "Forbidden" });
    }
    expect(api.seen).toHaveLength(before);
  });
});

whenThere("Caddy with a domain", () => {
  test("serves https under mem0.DOMAIN_NAME with the guide's headers, each once", async () => {
    const api = await startApi();
    const front = await startFront(caddy, "Caddyfile", { upstreamPort: api.port });
    const { status, headers } = await front.ask("/api/health");
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      ...guideHeaders,
      "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
    });
    expect(headers).not.toHaveProperty("server");
    await front.stop();
    await api.stop();
  });
});
