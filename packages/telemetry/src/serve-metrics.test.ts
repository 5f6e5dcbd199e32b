import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "@jest/globals";
import { createLogger, createMetrics, serveMetrics, type MetricsServer } from "./index.ts";

const lines: string[] = [];
const logger = createLogger({
  level: "info",
  name: "test",
  destination: { write: (line: string) => void lines.push(line) },
});
const open: MetricsServer[] = [];

async function serve(port: number, host = "127.0.0.1"): Promise<MetricsServer> {
  const server = await serveMetrics(createMetrics({ version: "1" }).registry, { host, port, logger });
  open.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
  lines.length = 0;
});

describe("serveMetrics", () => {
  test("answers GET /metrics, and nothing else", async () => {
    const { port } = await serve(0);
    const page = await fetch(`http://127.0.0.1:${port}/metrics?x=1`);
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toContain("text/plain");
    expect(await page.text()).toContain("engram_build_info");
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${port}/metrics`, { method: "POST" })).status).toBe(405);
  });

  test("further routes: their paths and below, GET alone, and a fault of theirs is logged and answered with 500", async () => {
    const asked: string[] = [];
    const routes = [
      {
        path: "/pages",
        handle: async (request: IncomingMessage, response: ServerResponse) => {
          asked.push(request.url ?? "");
          if (request.url === "/pages/broken") throw new Error("broken");
          response.end("page");
        },
      },
    ];
    const { registry } = createMetrics({ version: "1" });
    const server = await serveMetrics(registry, { host: "127.0.0.1", port: 0, logger, routes });
    open.push(server);
    const get = (path: string, method = "GET") => fetch(`http://127.0.0.1:${server.port}${path}`, { method });
    expect(await (await get("/pages/one?x=1")).text()).toBe("page");
    expect((await get("/pages")).status).toBe(200);
    expect((await get("/pagesque")).status).toBe(404);
    expect((await get("/pages/one", "DELETE")).status).toBe(405);
    expect((await get("/pages/broken")).status).toBe(500);
    expect((await get("/metrics")).status).toBe(200);
    expect(asked).toEqual(["/pages/one?x=1", "/pages", "/pages/broken"]);
    expect(lines.join("")).toContain('"msg":"Internal page failed"');
  });

  test("takes the next free port when this one is taken, and says which", async () => {
    const first = await serve(0);
    const second = await serve(first.port);
    expect(second.port).toBeGreaterThan(first.port);
    expect((await fetch(`http://127.0.0.1:${second.port}/metrics`)).status).toBe(200);
    expect(lines.join("")).toContain(`"wanted":${first.port},"port":${second.port}`);
  });

  test("an address that is not ours is an error, not a search for another port", async () => {
    await expect(serve(0, "192.0.2.1")).rejects.toMatchObject({ code: "EADDRNOTAVAIL" });
  });

  test("stops, also with a connection open, and twice", async () => {
    const server = await serve(0);
    await fetch(`http://127.0.0.1:${server.port}/metrics`);
    await server.close();
    await server.close();
    await expect(fetch(`http://127.0.0.1:${server.port}/metrics`)).rejects.toThrow();
  });
});
