import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import OpenAI from "openai";
import { embed, startOpenAI, type OpenAI as StandIn } from "../src/index.ts";

const MODEL = "text-embedding-3-small";
let openai: StandIn;
let client: OpenAI;

beforeAll(async () => {
  openai = await startOpenAI();
  client = new OpenAI({ baseURL: openai.url, apiKey: "sk-test", maxRetries: 0 });
});

afterAll(async () => {
  await openai.stop();
});

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
const similarity = (a: string, b: string) => dot(embed(a, 1_536), embed(b, 1_536));

describe("POST /v1/embeddings", () => {
  test("the official client decodes unit vectors, the same ones for base64 and float", async () => {
    const asked = { model: MODEL, input: ["Анна любит кофе", "Bob walks to work"] };
    const packed = await client.embeddings.create(asked);
    const plain = await client.embeddings.create({ ...asked, encoding_format: "float" });
    expect(packed.data.map(({ index }) => index)).toEqual([0, 1]);
    expect(packed.usage).toEqual({ prompt_tokens: 9, total_tokens: 9 });
    const [first] = packed.data;
    expect(first?.embedding).toHaveLength(1_536);
    expect(dot(first?.embedding ?? [], first?.embedding ?? [])).toBeCloseTo(1, 5);
    expect(dot(first?.embedding ?? [], plain.data[0]?.embedding ?? [])).toBeCloseTo(1, 5);
  });

  test.each([
    ["text-embedding-3-small", undefined, 1_536],
    ["text-embedding-3-large", undefined, 3_072],
    ["text-embedding-3-large", 256, 256],
    ["text-embedding-ada-002", undefined, 1_536],
    ["all-MiniLM-L6-v2", undefined, 384],
    ["something-else", undefined, 256],
  ])("%s with dimensions %s gives %i numbers", async (model, dimensions, expected) => {
    const answer = await client.embeddings.create({ model, input: "x", ...(dimensions ? { dimensions } : {}) });
    expect(answer.data[0]?.embedding).toHaveLength(expected);
  });

  test("401 with a wrong key, and with none", async () => {
    const wrong = new OpenAI({ baseURL: openai.url, apiKey: "sk-wrong", maxRetries: 0 });
    await expect(wrong.embeddings.create({ model: MODEL, input: "x" })).rejects.toBeInstanceOf(
      OpenAI.AuthenticationError,
    );
    expect((await fetch(`${openai.url}/models`)).status).toBe(401);
  });

  test("400 when an input is too long, empty, or one of too many", async () => {
    const create = (input: string | string[]) => client.embeddings.create({ model: MODEL, input });
    await expect(create("x".repeat(8_192 * 4 + 1))).rejects.toThrow(/maximum context length is 8192 tokens/u);
    await expect(create("")).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await expect(create(Array.from({ length: 2_049 }, () => "x"))).rejects.toBeInstanceOf(OpenAI.BadRequestError);
  });
});

describe("faults", () => {
  const create = (input: string | string[], signal?: AbortSignal) =>
    client.embeddings.create({ model: MODEL, input }, signal === undefined ? {} : { signal });

  test("status and retry_after, so many times", async () => {
    await openai.fault({ match: "limited", status: 429, retry_after: 7, times: 1 });
    const error: unknown = await create("limited").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect((error as InstanceType<typeof OpenAI.RateLimitError>).headers?.get("retry-after")).toBe("7");
    await expect(create("limited")).resolves.toBeDefined();
  });

  test("half, wrong_dimension, wrong_json", async () => {
    await openai.fault({ match: "half", half: true, times: 1 });
    expect((await create(["half", "b", "c", "d"])).data).toHaveLength(2);
    await openai.fault({ match: "short", wrong_dimension: true, times: 1 });
    expect((await create("short")).data[0]?.embedding).toHaveLength(1_535);
    await openai.fault({ match: "broken", wrong_json: true, times: 1 });
    await expect(create("broken")).rejects.toThrow();
  });

  test("hang until the client gives up", async () => {
    await openai.fault({ match: "hang", hang: true });
    await expect(create("hang", AbortSignal.timeout(50))).rejects.toThrow();
    await openai.clearFaults();
    await expect(create("hang")).resolves.toBeDefined();
  });

  test("counters tell what was embedded", async () => {
    const before = await openai.counters();
    await create(["12345678", "1234"]);
    const after = await openai.counters();
    const grown = (name: string) => (after[name] ?? 0) - (before[name] ?? 0);
    expect([grown("calls"), grown("inputs"), grown("tokens")]).toEqual([1, 2, 3]);
  });
});

describe("limits", () => {
  const create = (input: string | string[]) => client.embeddings.create({ model: MODEL, input }).withResponse();
  const refusal = async (input: string | string[]): Promise<InstanceType<typeof OpenAI.RateLimitError>> => {
    const error: unknown = await create(input).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    return error as InstanceType<typeof OpenAI.RateLimitError>;
  };
  afterAll(() => openai.limit({}));

  test("requests per minute: the next one is refused with the time to wait, and counted", async () => {
    await openai.limit({ requests_per_minute: 2 });
    const before = await openai.counters();
    const first = await create("a");
    expect(first.response.headers.get("x-ratelimit-limit-requests")).toBe("2");
    expect(first.response.headers.get("x-ratelimit-remaining-requests")).toBe("1");
    await create("b");
    const refused = await refusal("c");
    expect(refused).toMatchObject({ status: 429, code: "rate_limit_exceeded", type: "requests" });
    const waitMs = Number(refused.headers?.get("retry-after-ms"));
    expect(waitMs).toBeGreaterThan(50_000);
    expect(Number(refused.headers?.get("retry-after"))).toBe(Math.ceil(waitMs / 1_000));
    const after = await openai.counters();
    const grown = (name: string) => (after[name] ?? 0) - (before[name] ?? 0);
    expect([grown("calls"), grown("limited"), grown("inputs")]).toEqual([3, 1, 2]);
  });

  test("tokens per minute: a small call fits where a large one is refused", async () => {
    await openai.limit({ tokens_per_minute: 10 });
    await create("x".repeat(32));
    expect((await refusal("x".repeat(16))).type).toBe("tokens");
    await expect(create("x".repeat(8))).resolves.toBeDefined();
  });

  test("a minute may be short: what was used leaves the window", async () => {
    await openai.limit({ requests_per_minute: 1, window_ms: 50 });
    await create("a");
    const until = Date.now() + 5_000;
    for (;;) {
      const isThrough = await create("b").then(
        () => true,
        () => false,
      );
      if (isThrough) break;
      expect(Date.now()).toBeLessThan(until);
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
  });
});

describe("embed", () => {
  test.each([
    ["Анна любит кофе с молоком", "что Анна любит пить: кофе?", "Встреча с юристом в четверг"],
    ["Мой отец живёт в Казани", "где живет отец", "Любимый цвет синий"],
    ["She walked to the office", "walking to offices", "Allergic to peanuts"],
  ])("puts %p nearer to %p than to %p", (text, near, far) => {
    expect(similarity(text, near)).toBeGreaterThan(0.3);
    expect(similarity(text, near)).toBeGreaterThan(similarity(text, far) + 0.2);
    expect(Math.abs(similarity(text, far))).toBeLessThan(0.2);
  });

  test("does not tell ё from е, nor capitals, nor compatible forms", () => {
    expect(similarity("Ёлка", "елка")).toBeCloseTo(1, 6);
    expect(similarity("ﬁne", "fine")).toBeCloseTo(1, 6);
  });

  test("gives a unit vector for a text without a single word", () => {
    expect(similarity("!?", "!?")).toBeCloseTo(1, 6);
  });
});
