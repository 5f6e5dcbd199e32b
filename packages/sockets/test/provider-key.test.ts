import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { loadConfig } from "@engram/config";
import { createLogger } from "@engram/telemetry";
import { checkProviderKey } from "../src/provider-problems.ts";
import { Readiness } from "../src/readiness.ts";

let provider: Server;
let status: number;
let asked: number;
beforeEach(async () => {
  asked = 0;
  provider = createServer((_request, response) => {
    asked += 1;
    response.writeHead(status, { "content-type": "application/json" });
    response.end(status === 200 ? '{"object":"list","data":[]}' : '{"error":{"message":"Incorrect key: sk-1"}}');
  }).listen(0, "127.0.0.1");
  await once(provider, "listening");
});
afterEach(() => void provider.close());

function check(key: string) {
  const address = provider.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const config = loadConfig(
    { OPENAI_API_KEY: key, OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` },
    { cwd: "/nonexistent" },
  );
  const lines: Record<string, unknown>[] = [];
  const told = Promise.withResolvers<void>();
  const write = (line: string): void => {
    lines.push(JSON.parse(line) as Record<string, unknown>);
    told.resolve();
  };
  const readiness = new Readiness(config);
  const stopping = new AbortController();
  const ended = checkProviderKey(config, {
    readiness,
    logger: createLogger({ level: "info", name: "test", destination: { write } }),
    stop: stopping.signal,
  });
  return { lines, readiness, told: told.promise, ended, stopping };
}

describe("the check of the provider's key", () => {
  test("a refusal is one line and one problem, asked again until the provider takes the key", async () => {
    status = 401;
    const { lines, readiness, told, ended } = check("sk-1");
    await told;
    expect(readiness.problems).toMatchObject([
      { code: "provider_key", cure: expect.stringContaining("OPENAI_API_KEY") },
    ]);
    await once(provider, "request");
    status = 200;
    await ended;
    expect(readiness.problems).toEqual([]);
    expect(lines).toMatchObject([
      {
        level: "warn",
        code: "provider_key",
        cure: expect.stringContaining("OPENAI_API_KEY"),
        msg: "The model provider refuses the key: check OPENAI_API_KEY",
      },
      { level: "info", msg: "The model provider takes the key" },
    ]);
    expect(JSON.stringify(lines)).not.toContain("sk-1");
  });

  test.each([
    ["a list that this key may not see", 403],
    ["no list at all", 404],
    ["trouble of its own", 500],
  ])("%s says nothing against the key", async (_name, answered) => {
    status = answered;
    const { lines, readiness, ended } = check("sk-1");
    await ended;
    expect([asked, lines, readiness.problems]).toEqual([1, [], []]);
  });

  test("a placeholder is sent to nobody", async () => {
    await check("sk-your-openai-api-key").ended;
    expect(asked).toBe(0);
  });

  test("a stop ends it", async () => {
    status = 401;
    const { told, ended, stopping } = check("sk-1");
    await told;
    stopping.abort();
    await expect(ended).resolves.toBeUndefined();
  });
});
