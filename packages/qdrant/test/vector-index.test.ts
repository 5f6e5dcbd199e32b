import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { indexable } from "@engram/memory/contracts/indexable";
import { vectorIndexContract } from "@engram/memory/contracts/vector-index";
import { createQdrantIndex } from "../src/index.ts";

const url = process.env["ENGRAM_TEST_QDRANT_URL"] ?? "";
const whenThere = url === "" ? describe.skip : describe;
const memory = indexable({ id: "00000000-0000-7000-8000-000000000001" });

whenThere("Qdrant", () => {
  vectorIndexContract("Qdrant", () => {
    const alias = `contract_${randomBytes(6).toString("hex")}`;
    const index = createQdrantIndex({ url, alias, timeoutMs: 10_000 });
    return Promise.resolve({
      index,
      collection: { name: `${alias}__model__4`, model: "model", dims: 4 },
      keepsTenants: true,
      seed: () => Promise.resolve(),
      close: () => index.close(),
    });
  });

  test("the guide's name is an alias that moves with the model", async () => {
    const alias = `alias_${randomBytes(6).toString("hex")}`;
    const index = createQdrantIndex({ url, alias, timeoutMs: 10_000 });
    const aliasOf = async (): Promise<unknown> => {
      const answer = (await (await fetch(`${url}/aliases`)).json()) as {
        result: { aliases: { alias_name: string; collection_name: string }[] };
      };
      return answer.result.aliases.find((one) => one.alias_name === alias)?.collection_name;
    };
    const a = { name: `${alias}__a__4`, model: "a", dims: 4 };
    await index.prepare(a);
    await index.publish(a);
    expect(await aliasOf()).toBe(`${alias}__a__4`);
    const b = { name: `${alias}__b__8`, model: "b", dims: 8 };
    await index.prepare(b);
    expect(await aliasOf()).toBe(a.name);
    await index.publish(b);
    expect(await aliasOf()).toBe(`${alias}__b__8`);
  });

  test("workers that prepare at once agree", async () => {
    const alias = `race_${randomBytes(6).toString("hex")}`;
    const collection = { name: `${alias}__a__4`, model: "a", dims: 4 };
    await Promise.all(
      Array.from({ length: 4 }, () => createQdrantIndex({ url, alias, timeoutMs: 10_000 }).prepare(collection)),
    );
  });

  test("only the tenant has a graph: no other field's would serve a search", async () => {
    const alias = `graphs_${randomBytes(6).toString("hex")}`;
    const name = `${alias}__a__4`;
    await createQdrantIndex({ url, alias, timeoutMs: 10_000 }).prepare({ name, model: "a", dims: 4 });
    const answer = (await (await fetch(`${url}/collections/${name}`)).json()) as {
      result: { payload_schema: Record<string, { params?: { is_tenant?: boolean; enable_hnsw?: boolean } }> };
    };
    const { tenant, ...others } = answer.result.payload_schema;
    expect(tenant?.params?.is_tenant).toBe(true);
    expect(tenant?.params?.enable_hnsw).not.toBe(false);
    expect(Object.entries(others).filter(([, { params }]) => params?.enable_hnsw !== false)).toEqual([]);
  });

  test("a scope that sees nothing finds nothing, not everything of its tenants", async () => {
    const alias = `scope_${randomBytes(6).toString("hex")}`;
    const index = createQdrantIndex({ url, alias, timeoutMs: 10_000 });
    const collection = { name: `${alias}__a__4`, model: "a", dims: 4 };
    const { signal } = new AbortController();
    await index.prepare(collection);
    await index.upsert(collection, [{ memory, hash: "h", vector: [1, 0, 0, 0] }], signal);
    const filter = { scope: { projectId: "p", exact: false } };
    const query = { vector: [1, 0, 0, 0], filter, tenants: [memory.tenant], limit: 5, now: new Date() };
    expect(await index.search(collection, query, signal)).toEqual([]);
    await index.close();
  });

  test("a point whose id is a number, which no memory's is, is passed over by a scan", async () => {
    const alias = `numbers_${randomBytes(6).toString("hex")}`;
    const index = createQdrantIndex({ url, alias, timeoutMs: 10_000 });
    const collection = { name: `${alias}__a__4`, model: "a", dims: 4 };
    const { signal } = new AbortController();
    await index.prepare(collection);
    await index.upsert(collection, [{ memory, hash: "h", vector: [1, 0, 0, 0] }], signal);
    const planted = await fetch(`${url}/collections/${collection.name}/points?wait=true`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ points: [{ id: 7, vector: [1, 0, 0, 0], payload: {} }] }),
    });
    expect(planted.status).toBe(200);
    expect(await index.scan(collection, { limit: 1 }, signal)).toEqual([
      { id: memory.id, version: 1, hash: "h", tenant: "t" },
    ]);
    await index.close();
  });

  test("strict mode refuses a filter without an index", async () => {
    const alias = `strict_${randomBytes(6).toString("hex")}`;
    const index = createQdrantIndex({ url, alias, timeoutMs: 10_000 });
    const collection = { name: `${alias}__a__4`, model: "a", dims: 4 };
    await index.prepare(collection);
    await index.publish(collection);
    const body = JSON.stringify({ query: [1, 0, 0, 0], filter: { must: [{ key: "unknown", match: { value: 1 } }] } });
    const answer = await fetch(`${url}/collections/${alias}/points/query`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    expect(answer.status).toBe(400);
  });
});

/** A server that takes every request and answers it the same way, or not at all when there is no status. */
async function answering(
  answer: { status?: number; body?: object; headers?: Record<string, string> },
  run: (url: string, requests: { cut: number }) => Promise<void>,
): Promise<void> {
  const requests = { cut: 0 };
  const server = createHttpServer((request, response) => {
    request.resume();
    response.on("close", () => {
      if (!response.writableFinished) requests.cut += 1;
    });
    if (answer.status === undefined) return;
    response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
    response.end(JSON.stringify(answer.body ?? {}));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe("a Qdrant that is in trouble", () => {
  const id = "00000000-0000-7000-8000-000000000001";
  const collection = { name: "x", model: "m", dims: 4 };
  const never = new AbortController().signal;

  test("nothing listens: unavailable, and nothing is in doubt", async () => {
    const listener = createServer();
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const { port } = listener.address() as AddressInfo;
    listener.close();
    const index = createQdrantIndex({ url: `http://127.0.0.1:${port}`, alias: "x", timeoutMs: 1_000 });
    await expect(index.delete(collection, [id], never)).rejects.toMatchObject({
      code: "unavailable",
      outcomeUnknown: false,
    });
  });

  test.each([
    ["never answers", () => undefined],
    ["cuts the connection", (socket: { destroy(): void }) => socket.destroy()],
  ])("it %s after a write was sent: the outcome is unknown; a read has none", async (_name, onData) => {
    const sockets = new Set<Socket>();
    const listener = createServer((socket) =>
      sockets.add(socket.on("data", () => onData(socket)).on("error", () => undefined)),
    );
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const { port } = listener.address() as AddressInfo;
    const index = createQdrantIndex({ url: `http://127.0.0.1:${port}`, alias: "x", timeoutMs: 200 });
    await expect(index.delete(collection, [id], never)).rejects.toMatchObject({
      code: "unavailable",
      outcomeUnknown: true,
    });
    await expect(index.delete(collection, [id], AbortSignal.timeout(50))).rejects.toMatchObject({
      code: "unavailable",
      outcomeUnknown: true,
    });
    await expect(index.fetchStates(collection, [id], never)).rejects.toMatchObject({
      code: "unavailable",
      outcomeUnknown: false,
    });
    for (const socket of sockets) socket.destroy();
    listener.close();
  });

  test.each(["acknowledged", "wait_timeout"])("a write that is only %s is in doubt", async (status) => {
    await answering({ status: 200, body: { result: { operation_id: 1, status } } }, async (url) => {
      const index = createQdrantIndex({ url, alias: "x", timeoutMs: 1_000 });
      const doubt = { code: "unavailable", outcomeUnknown: true };
      await expect(
        index.upsert(collection, [{ memory, hash: "h", vector: [1, 0, 0, 0] }], never),
      ).rejects.toMatchObject(doubt);
      await expect(index.delete(collection, [id], never)).rejects.toMatchObject(doubt);
    });
  });

  test.each([
    [400, { code: "invalid", outcomeUnknown: false }],
    [401, { code: "unavailable", outcomeUnknown: false, message: expect.stringContaining("QDRANT_API_KEY") }],
    [403, { code: "unavailable", outcomeUnknown: false, message: expect.stringContaining("QDRANT_API_KEY") }],
    [404, { code: "unavailable", outcomeUnknown: false }],
    [413, { code: "invalid", outcomeUnknown: false }],
    [429, { code: "rate_limited", outcomeUnknown: false }],
    [500, { code: "unavailable", outcomeUnknown: true }],
    [503, { code: "unavailable", outcomeUnknown: true }],
  ] as const)("%d in the domain's terms", async (status, expected) => {
    await answering({ status }, async (url) => {
      const index = createQdrantIndex({ url, alias: "x", timeoutMs: 1_000 });
      await expect(index.delete(collection, [id], never)).rejects.toMatchObject(expected);
    });
  });

  test("429 tells when to come again", async () => {
    await answering({ status: 429, headers: { "retry-after": "7" } }, async (url) => {
      const index = createQdrantIndex({ url, alias: "x", timeoutMs: 1_000 });
      await expect(index.delete(collection, [id], never)).rejects.toMatchObject({
        code: "rate_limited",
        retryAfterSeconds: 7,
      });
    });
  });

  test("what answers but is no Qdrant is unavailable; a write that went there is in doubt", async () => {
    await answering({ status: 200, body: { hello: "world" } }, async (url) => {
      const index = createQdrantIndex({ url, alias: "x", timeoutMs: 1_000 });
      await expect(index.ping(never)).rejects.toMatchObject({ code: "unavailable", outcomeUnknown: false });
      await expect(index.delete(collection, [id], never)).rejects.toMatchObject({
        code: "unavailable",
        outcomeUnknown: true,
      });
    });
  });

  test("a call that its caller gave up is ended on the wire", async () => {
    await answering({}, async (url, requests) => {
      const index = createQdrantIndex({ url, alias: "x", timeoutMs: 10_000 });
      await expect(index.delete(collection, [id], AbortSignal.timeout(100))).rejects.toMatchObject({
        code: "unavailable",
        outcomeUnknown: true,
      });
      const deadline = Date.now() + 5_000;
      while (requests.cut === 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(requests.cut).toBe(1);
    });
  });

  test("nothing is sent once the signal has fired, so nothing is in doubt", async () => {
    const index = createQdrantIndex({ url: "http://127.0.0.1:1", alias: "x", timeoutMs: 1_000 });
    await expect(index.delete(collection, [id], AbortSignal.abort())).rejects.toMatchObject({
      code: "unavailable",
      outcomeUnknown: false,
    });
  });
});
