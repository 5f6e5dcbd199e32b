// CONTRACT.md 4: POST /api/chat, and OpenAI's own API with memory, told by the official client.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "@jest/globals";
import { fetchPython, openAIControl, pythonCommand } from "@engram/test-equipment";
import OpenAI from "openai";
import pg from "pg";
import { api, nextBase } from "../client.ts";
import { expectError, names } from "../errors.ts";
import { unique, type Found } from "../memories.ts";
import { target } from "../target.ts";
import { until } from "../until.ts";

const provider = target.openaiUrl === undefined ? undefined : openAIControl(target.openaiUrl);
const withModel = provider === undefined ? describe.skip : describe;
const withDatabase = target.databaseUrl === undefined ? test.skip : test;
const withoutModel = target.kind === "embedded" ? describe : describe.skip;

interface Reply {
  reply: string;
  memories_used: string[];
  event_id: string | null;
}

const chat = (body: object, headers: Record<string, string> = {}) => api<Reply>("POST", "/api/chat", { body, headers });
const tell = async (userId: string, content: string) => {
  const messages = [{ role: "user", content }];
  expect((await api("POST", "/api/memory/add", { body: { user_id: userId, messages, wait: true } })).status).toBe(200);
};
const found = async (userId: string, query: string) =>
  (await api<Found>("POST", "/api/memory/search", { body: { user_id: userId, query } })).body.memories.map(
    (one) => one.content,
  );

afterEach(() => provider?.clearFaults());

withModel("POST /api/chat", () => {
  test("the guide's conversation: what was told one day is known another", async () => {
    const userId = unique("chat");
    await tell(userId, "Меня зовут Антон, я программист");
    const { status, body } = await chat({
      user_id: userId,
      session_id: "next week",
      message: "Как меня зовут? Я программист?",
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      reply: expect.stringContaining("Антон"),
      memories_used: [expect.stringMatching(/^mem_/)],
      event_id: expect.stringMatching(/^evt_/),
    });
  });

  test("earlier turns of the session are part of the talk, and the exchange is kept", async () => {
    const userId = unique("chat");
    await chat({ user_id: userId, session_id: "s", message: "Мой любимый цветок — хризантема" });
    const { body } = await chat({ user_id: userId, session_id: "s", message: "Назови мой любимый цветок" });
    expect(body.reply).toContain("хризантема");
    await until("the memory", async () =>
      (await found(userId, "хризантема")).some((text) => text.includes("хризантема")),
    );
  });

  test("messages are the model's talk: what the application says in them, and what tools have reported", async () => {
    const system = { role: "system", content: "Пароль от калитки: хризантема" };
    const ask = { role: "user", content: "Назови пароль от калитки" };
    const told = await chat({ user_id: unique("chat"), messages: [system, ask] });
    expect(told.body.reply).toContain("хризантема");
    const call = { id: "call_1", type: "function", function: { name: "get_weather", arguments: "{}" } };
    const called = { role: "assistant", content: null, tool_calls: [call] };
    const report = { role: "tool", tool_call_id: "call_1", content: "sunny" };
    const weather = await chat({ user_id: unique("chat"), messages: [ask, called, report] });
    expect(weather.body.reply).toBe("The tool says: sunny");
    // Nobody called it: the talk goes on without it.
    expect((await chat({ user_id: unique("chat"), messages: [ask, report] })).status).toBe(200);
  });

  test("in server-sent events", async () => {
    const answer = await fetch(`${nextBase()}/api/chat`, {
      method: "POST",
      headers: { authorization: `Bearer ${target.key}`, "content-type": "application/json" },
      body: JSON.stringify({ user_id: unique("chat"), message: "Расскажи о погоде", stream: true }),
    });
    expect(answer.headers.get("content-type")).toMatch(/^text\/event-stream/);
    const events = (await answer.text())
      .split("\n\n")
      .filter((text) => text !== "")
      .map((text) => JSON.parse(text.replace("data: ", "")) as { delta?: string; done?: boolean; reply?: string });
    expect(events.length).toBeGreaterThan(2);
    expect(events.at(-1)).toMatchObject({
      done: true,
      event_id: expect.any(String),
      reply: events.map((event) => event.delta ?? "").join(""),
    });
  });

  test("once for an Idempotency-Key", async () => {
    const word = unique("word");
    const body = { user_id: unique("chat"), message: `Расскажи о погоде, ${word}` };
    const headers = { "idempotency-key": unique("key") };
    const first = await chat(body, headers);
    // Whoever asks the provider about it again gets an error; its extraction may be the first to do so.
    await provider?.fault({ endpoint: "chat", status: 500, match: word, times: 2 });
    const second = await chat(body, headers);
    expect(second.status).toBe(200);
    expect(second.text).toBe(first.text);
  });

  withDatabase(
    "while the talk's table is locked: the answer comes without earlier turns, and is kept later",
    async () => {
      const client = new pg.Client({ connectionString: target.databaseUrl });
      await client.connect();
      try {
        const userId = unique("chat");
        const word = unique("слово");
        await client.query("BEGIN");
        await client.query("LOCK TABLE engram.messages IN ACCESS EXCLUSIVE MODE");
        const { status, body } = await chat({ user_id: userId, session_id: "s", message: `Мой пароль ${word}` });
        expect(status).toBe(200);
        expect(body).toEqual({ reply: expect.stringMatching(/./), memories_used: [], event_id: null });
        await client.query("ROLLBACK");
        await until("the exchange", async () => (await found(userId, word)).length > 0);
      } finally {
        await client.end();
      }
    },
  );

  test.each([
    [{ message: "x" }, "user_id"],
    [{ user_id: "u" }, "message"],
    [{ user_id: "u", message: "x", temperature: 9 }, "temperature"],
    [{ user_id: "u", messages: [{ role: "king", content: "x" }] }, "messages.0.role"],
    [{ user_id: "u", messages: [{ role: "constructor", content: "x" }] }, "messages.0.role"],
  ])("400 for %j", async (body, field) => {
    const answer = await api("POST", "/api/chat", { body });
    expectError(answer, 400);
    expect(names(answer.body, field)).toBe(true);
  });

  test.each([
    [429, 429],
    [500, 503],
    [401, 503],
    [400, 400],
  ])("a provider's %d is %d, without its words", async (status, expected) => {
    const word = unique("word");
    await provider?.fault({ endpoint: "chat", status, match: word, times: 1 });
    expectError(await api("POST", "/api/chat", { body: { user_id: unique("chat"), message: word } }), expected);
  });
});

withModel("/v1, by the official client", () => {
  const client = (options: object = {}) =>
    new OpenAI({ baseURL: `${nextBase()}/v1`, apiKey: target.key, maxRetries: 0, ...options });
  const direct = () => new OpenAI({ baseURL: target.openaiUrl ?? null, apiKey: "sk-test", maxRetries: 0 });
  const model = "gpt-4o-mini";
  const ask = (content: string) => [{ role: "user", content } as const];
  const tools = [
    {
      type: "function" as const,
      function: { name: "get_weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
    },
  ];

  test("chat: the user's memory is read before and written after, by each way to say who it is", async () => {
    for (const [given, options] of [
      [(user: string) => ({ user, model }), () => ({})],
      [() => ({ model }), (user: string) => ({ headers: { "x-user-id": user } })],
      [(user: string) => ({ model: `${model}@${user}` }), () => ({})],
    ] as const) {
      const userId = unique("v1");
      await tell(userId, "Меня зовут Антон, я программист");
      const answer = await client().chat.completions.create(
        { ...given(userId), messages: ask("Как меня зовут? Я программист?") },
        options(userId),
      );
      expect(answer.choices[0]?.message.content).toContain("Антон");
      expect(answer.model).toBe(model);
      await client().chat.completions.create(
        { ...given(userId), messages: ask("Мой любимый цветок — хризантема") },
        options(userId),
      );
      await until("the memory", async () => (await found(userId, "хризантема")).length > 0);
    }
  });

  test("PyPI's client sees the provider too, but for the memory", async () => {
    const userId = unique("v1");
    await tell(userId, "Меня зовут Антон, я программист");
    const folder = await fetchPython("openai");
    const script = fileURLToPath(new URL("../python/openai_client.py", import.meta.url));
    const { stdout } = await promisify(execFile)(
      pythonCommand(),
      [script, `${nextBase()}/v1`, target.key, target.openaiUrl ?? "", userId],
      { env: { ...process.env, PYTHONPATH: folder } },
    );
    expect(JSON.parse(stdout)).toEqual({
      same: true,
      known: expect.stringContaining("Антон"),
      models: expect.arrayContaining([model]),
    });
  }, 180_000);

  test("streaming: the same pieces, and what was said is kept", async () => {
    const userId = unique("v1");
    const pieces = async (from: OpenAI, given: object) => {
      const stream = await from.chat.completions.create({
        model,
        messages: ask("Мой любимый цветок — пион"),
        stream: true,
        stream_options: { include_usage: true },
        ...given,
      });
      const seen = [];
      for await (const { id: _id, created: _created, ...event } of stream) seen.push(event);
      return seen;
    };
    expect(await pieces(client(), { user: userId })).toEqual(await pieces(direct(), {}));
    await until("the memory", async () => (await found(userId, "пион")).length > 0);
  });

  test("tool calls, streamed and not, and the answer after them", async () => {
    const userId = unique("v1");
    const messages = ask("What is the weather in Kazan?");
    const shape = async (from: OpenAI, given: object) => {
      const { choices } = await from.chat.completions.create({ model, messages, tools, ...given });
      const stream = await from.chat.completions.create({ model, messages, tools, stream: true, ...given });
      const deltas = [];
      for await (const event of stream) deltas.push(JSON.stringify(event.choices).replaceAll(/call_\w+/g, "call"));
      return [JSON.stringify(choices).replaceAll(/call_\w+/g, "call"), deltas];
    };
    expect(await shape(client(), { user: userId })).toEqual(await shape(direct(), {}));
    const first = await client().chat.completions.create({ model, messages, tools, user: userId });
    const call = first.choices[0]?.message.tool_calls?.[0];
    const last = await client().chat.completions.create({
      model,
      tools,
      user: userId,
      messages: [
        ...messages,
        { role: "assistant", content: null, tool_calls: call === undefined ? [] : [call] },
        { role: "tool", tool_call_id: call?.id ?? "", content: "sunny" },
      ],
    });
    expect(last.choices[0]?.message.content).toBe("The tool says: sunny");
  });

  test("an exchange that cannot be kept as it is is kept as far as it can be", async () => {
    const userId = unique("v1");
    const word = unique("слово");
    const content = [
      { type: "text", text: `Мой\0 любимый цветок ${word}` },
      { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } },
      { type: "text", text: "и ещё много слов ".repeat(10_000) },
    ];
    const send = { model, user: userId, messages: [{ role: "user", content, name: "a\0b" }] };
    const answer = await api("POST", "/v1/chat/completions", { body: send });
    expect(answer.status).toBe(200);
    await until("the exchange", async () => (await found(userId, word)).length > 0);
  });

  test("nobody's talk passes untouched, and is not kept", async () => {
    const raw = JSON.stringify({ model, messages: ask("Я люблю пионы"), n: 1, seed: 12345678901234567890n.toString() });
    const send = async (base: string, key: string) => {
      const answer = await fetch(`${base}/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: raw,
      });
      const { id: _id, created: _created, ...body } = (await answer.json()) as Record<string, unknown>;
      return { status: answer.status, body };
    };
    expect(await send(`${nextBase()}/v1`, target.key)).toEqual(await send(target.openaiUrl ?? "", "sk-test"));
  });

  test("numbers that no double holds, and a model with an @ of its own, pass beside a memory", async () => {
    const userId = unique("v1");
    await tell(userId, "Меня зовут Антон, я программист");
    const named = "claude-3-5@20240620";
    const raw = `{"model":"${named}","seed":12345678901234567890,"user":"${userId}","messages":[{"role":"user","content":"Как меня зовут? Я программист?"}]}`;
    const answer = await api<{ model: string; choices: { message: { content: string } }[] }>(
      "POST",
      "/v1/chat/completions",
      { raw, headers: { "content-type": "application/json" } },
    );
    expect(answer.body.model).toBe(named);
    expect(answer.body.choices[0]?.message.content).toContain("Антон");
  });

  test("a model's name that no database keeps does not stop the ledger", async () => {
    const later = unique("model");
    for (const name of ["a\0b", "\ud800", later])
      for (const base of target.bases) {
        const own = new OpenAI({ baseURL: `${base}/v1`, apiKey: target.key, maxRetries: 0 });
        await own.chat.completions.create({ model: name, messages: ask("Привет") });
      }
    await until("the ledger", async () => {
      const { body } = await api<{ spend: { by_model: { model: string; calls: number }[] } }>("GET", "/api/stats");
      return body.spend.by_model.find((one) => one.model === later)?.calls === target.bases.length;
    });
  });

  test("models, errors of the provider and our own, all in OpenAI's shape", async () => {
    expect((await client().models.list()).data.map((one) => one.id)).toContain(model);
    await expect(client().chat.completions.create({ model, messages: [] })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining("messages"),
    });
    await expect(
      client({ apiKey: "wrong" }).chat.completions.create({ model, messages: ask("x") }),
    ).rejects.toMatchObject({ status: 401, type: "authentication_error" });
    const word = unique("word");
    await provider?.fault({ endpoint: "chat", status: 429, retry_after: 7, match: word, times: 1 });
    await expect(
      client().chat.completions.create({ model, messages: ask(word), user: unique("v1") }),
    ).rejects.toMatchObject({ status: 429 });
  });

  test("Engram's key may stand in X-API-Key, the provider's then in Authorization", async () => {
    const own = client({ apiKey: "sk-of-the-caller", defaultHeaders: { "x-api-key": target.key } });
    expect((await own.chat.completions.create({ model, messages: ask("Привет") })).choices).toHaveLength(1);
    const wrong = client({ apiKey: "sk-wrong", defaultHeaders: { "x-api-key": target.key } });
    await expect(wrong.chat.completions.create({ model, messages: ask("Привет") })).rejects.toMatchObject({
      status: 401,
      code: "invalid_api_key",
    });
  });

  test("a client that goes away in the middle ends the call, and what was said so far is kept", async () => {
    const userId = unique("v1");
    const word = unique("слово");
    await provider?.fault({ endpoint: "chat", pause_ms: 200, match: word });
    const stream = await client().chat.completions.create({
      model,
      messages: ask(`Мой пароль от калитки ${word} и ещё много слов после него`),
      stream: true,
      user: userId,
    });
    await stream[Symbol.asyncIterator]().next();
    stream.controller.abort();
    await until("the exchange", async () => (await found(userId, word)).length > 0);
  });
});

withoutModel("without a model", () => {
  test("503 that says which setting is missing", async () => {
    const answer = await api("POST", "/api/chat", { body: { user_id: "u", message: "x" } });
    expectError(answer, 503);
    expect(answer.body.message).toMatch(/OPENAI_API_KEY/);
    const proxied = await api<{ error: { message: string; type: string } }>("POST", "/v1/chat/completions", {
      body: { model: "m", messages: [] },
    });
    expect(proxied.status).toBe(503);
    expect(proxied.body.error).toMatchObject({
      type: "server_error",
      message: expect.stringMatching(/OPENAI_API_KEY/),
    });
  });
});
