import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { MemoryError } from "@engram/memory";
import { embedderContract } from "@engram/memory/contracts/embedder";
import { startOpenAI, type OpenAI } from "@engram/test-equipment";
import { createOpenAIEmbedder, type OpenAIEmbedderOptions, type ProviderCall } from "../src/index.ts";

const signal = new AbortController().signal;
const text = "Пользователь живёт в Казани";

describe("OpenAI", () => {
  let server: OpenAI;
  beforeAll(async () => {
    server = await startOpenAI();
  });
  afterEach(() => server.clearFaults());
  afterAll(() => server.stop());

  const calls: ProviderCall[] = [];
  const create = (given: Partial<OpenAIEmbedderOptions> = {}) =>
    createOpenAIEmbedder({
      apiKey: "sk-test",
      baseUrl: server.url,
      model: "text-embedding-3-small",
      timeoutMs: 5_000,
      onCall: (call) => calls.push(call),
      ...given,
    });

  embedderContract("OpenAI", () => create());

  test("dimensions are asked for", async () => {
    expect((await create({ dimensions: 512 }).embed([text], signal)).vectors[0]).toHaveLength(512);
  });

  test("every call is told, with its tokens", async () => {
    calls.length = 0;
    const { tokens } = await create().embed([text, text], signal);
    expect(tokens).toBeGreaterThan(0);
    expect(calls).toEqual([
      {
        model: "text-embedding-3-small",
        texts: 2,
        tokens,
        tokensEstimated: Math.ceil((2 * Buffer.byteLength(text)) / 4),
        seconds: expect.any(Number),
        outcome: "ok",
      },
    ]);
  });

  test("a call that is told to wait says for how long, whichever way the provider puts it", async () => {
    calls.length = 0;
    const until = new Date(Date.now() + 600_000).toUTCString();
    await server.fault({ status: 429, retry_after: until });
    await expect(create().embed([text], signal)).rejects.toMatchObject({ code: "rate_limited" });
    expect(calls).toMatchObject([{ outcome: "rate_limited", tokens: 0 }]);
    expect(calls[0]?.retryAfterSeconds).toBeGreaterThan(590);
    expect(calls[0]?.retryAfterSeconds).toBeLessThanOrEqual(600);
  });

  test("every call waits for its turn, with its own tokens, and is not made when there is none", async () => {
    const turns: number[] = [];
    const before = (await server.counters())["calls"] ?? 0;
    const embedder = create({
      tokensPerCallMax: 10,
      admit(tokens) {
        turns.push(tokens);
        return turns.length < 3 ? Promise.resolve() : Promise.reject(new MemoryError("rate_limited", "no turn"));
      },
    });
    const tooLong = "x".repeat(100);
    await expect(embedder.embed(["x".repeat(20), "y".repeat(16), tooLong, "z"], signal)).rejects.toMatchObject({
      message: "no turn",
    });
    expect(turns).toEqual([9, 25, 1]);
    expect((await server.counters())["calls"]).toBe(before + 2);
  });

  test.each([
    ["400", { status: 400 }, { code: "invalid" }],
    ["413", { status: 413 }, { code: "invalid" }],
    ["422", { status: 422 }, { code: "invalid" }],
    ["401", { status: 401 }, { code: "unavailable" }],
    ["403", { status: 403 }, { code: "unavailable" }],
    ["404", { status: 404 }, { code: "unavailable" }],
    ["408", { status: 408 }, { code: "rate_limited" }],
    ["409", { status: 409 }, { code: "rate_limited" }],
    ["429 with Retry-After", { status: 429, retry_after: 120 }, { code: "rate_limited", retryAfterSeconds: 120 }],
    ["429", { status: 429 }, { code: "rate_limited" }],
    ["500", { status: 500 }, { code: "unavailable" }],
    ["503", { status: 503 }, { code: "unavailable" }],
    ["broken JSON", { wrong_json: true }, { code: "unavailable" }],
    ["half an answer", { half: true }, { code: "unavailable" }],
  ])("%s is the domain's error, asked once only", async (_name, fault, expected) => {
    await server.fault(fault);
    const before = (await server.counters())["calls"] ?? 0;
    const pending = create().embed([text, `${text}!`], signal);
    await expect(pending).rejects.toMatchObject(expected);
    expect((await server.counters())["calls"]).toBe(before + 1);
  });

  test("a wrong key is the operator's to mend, not the text's fault", async () => {
    await expect(create({ apiKey: "sk-wrong" }).embed([text], signal)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("OPENAI_API_KEY"),
    });
  });

  test("a call that is given up is told with the tokens that were sent, one that is refused with none", async () => {
    calls.length = 0;
    await server.fault({ hang: true, times: 1 });
    await expect(create().embed([text], AbortSignal.timeout(100))).rejects.toThrow(MemoryError);
    await server.fault({ status: 500, times: 1 });
    await expect(create().embed([text], signal)).rejects.toThrow(MemoryError);
    const [estimate] = calls.map((call) => call.tokensEstimated);
    expect(estimate).toBeGreaterThan(0);
    expect(calls.map((call) => call.tokens)).toEqual([estimate, 0]);
  });

  test("a provider that hangs is left at the timeout, and at the signal", async () => {
    await server.fault({ hang: true });
    await expect(create({ timeoutMs: 100 }).embed([text], signal)).rejects.toMatchObject({ code: "unavailable" });
    await expect(create().embed([text], AbortSignal.timeout(100))).rejects.toMatchObject({ code: "unavailable" });
  });

  test("vectors of another size than before are the provider's fault, not the text's", async () => {
    const embedder = create();
    await embedder.embed([text], signal);
    await server.fault({ wrong_dimension: true });
    await expect(embedder.embed([text], signal)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("1535 dimensions instead of 1536"),
    });
  });

  test("neither text nor key stands in an error, nor in its cause", async () => {
    await server.fault({ status: 400 });
    const error = await create({ apiKey: "sk-canary" })
      .embed(["канарейка"], signal)
      .catch((thrown: unknown) => thrown);
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/канарейка|sk-canary/);
    expect(error).toMatchObject({ cause: { message: expect.stringContaining("status 400") } });
  });
});
