import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { vectorIndexContract } from "@engram/memory/contracts/vector-index";
import { createQdrantIndex } from "../src/index.ts";

const url = process.env["ENGRAM_TEST_QDRANT_URL"] ?? "";
const whenThere = url === "" ? describe.skip : describe;

whenThere("Qdrant", () => {
  vectorIndexContract("Qdrant", () => {
    const alias = `contract_${randomBytes(6).toString("hex")}`;
    const index = createQdrantIndex({ url, alias, timeoutMs: 10_000 });
    return Promise.resolve({
      index,
      collection: { name: `${alias}__model__4`, model: "model", dims: 4 },
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
    await index.prepare({ name: `${alias}__a__4`, model: "a", dims: 4 });
    expect(await aliasOf()).toBe(`${alias}__a__4`);
    await index.prepare({ name: `${alias}__b__8`, model: "b", dims: 8 });
    expect(await aliasOf()).toBe(`${alias}__b__8`);
  });

  test("workers that prepare at once agree", async () => {
    const alias = `race_${randomBytes(6).toString("hex")}`;
    const collection = { name: `${alias}__a__4`, model: "a", dims: 4 };
    await Promise.all(
      Array.from({ length: 4 }, () => createQdrantIndex({ url, alias, timeoutMs: 10_000 }).prepare(collection)),
    );
  });

  test("strict mode refuses a filter without an index", async () => {
    const alias = `strict_${randomBytes(6).toString("hex")}`;
    await createQdrantIndex({ url, alias, timeoutMs: 10_000 }).prepare({ name: `${alias}__a__4`, model: "a", dims: 4 });
    const body = JSON.stringify({ query: [1, 0, 0, 0], filter: { must: [{ key: "unknown", match: { value: 1 } }] } });
    const answer = await fetch(`${url}/collections/${alias}/points/query`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    expect(answer.status).toBe(400);
  });
});

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
});
