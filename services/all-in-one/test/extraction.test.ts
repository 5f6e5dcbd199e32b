import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { OpenAIFault } from "@engram/test-equipment";
import { eventually, startStack, type Stack } from "./stack.ts";

/*
 * Conversations become memories, with the API and a worker over real stores and a provider that may do anything. Texts
 * have a word of their own, so that a fault meets only the calls that it is meant for.
 */

const whenThere =
  process.env["ENGRAM_TEST_DATABASE_URL"] === undefined || process.env["ENGRAM_TEST_QDRANT_URL"] === undefined
    ? describe.skip
    : describe;

interface Event {
  readonly event_id: string;
  readonly status: string;
  readonly results?: readonly { readonly memory: string; readonly event: string }[];
  readonly error?: string;
}

let users = 0;
const freshUser = (): string => `user-${++users}`;

function asked(stack: Stack) {
  const add = async (userId: string, content: string, given: object = {}): Promise<Event> => {
    const { status, body } = await stack.call("POST", "/api/memory/add", {
      user_id: userId,
      messages: [{ role: "user", content }],
      ...given,
    });
    expect(status).toBeLessThan(300);
    return body as unknown as Event;
  };
  const eventOf = async (id: string) => (await stack.call("GET", `/api/events/${id}`)).body as unknown as Event;
  return {
    add,
    eventOf,
    settled: (id: string) =>
      eventually(async () => {
        const event = await eventOf(id);
        return ["done", "failed"].includes(event.status) ? event : undefined;
      }),
    contents: async (userId: string) =>
      ((await stack.call("GET", `/api/memories/user/${userId}?limit=1000&sort=created_at`)).body.memories ?? []).map(
        (one) => one.content,
      ),
    search: async (userId: string, query: string) =>
      ((await stack.call("POST", "/api/memory/search", { user_id: userId, query })).body.memories ?? []).map(
        (one) => one.content,
      ),
    counter: async (name: string) => (await stack.openai.counters())[name] ?? 0,
  };
}

whenThere("conversations and a provider", () => {
  let stack: Stack;
  let ask: ReturnType<typeof asked>;
  beforeAll(async () => {
    stack = await startStack({ LLM_TIMEOUT_MS: "500", OPENAI_TIMEOUT_MS: "2000" });
    ask = asked(stack);
  }, 60_000);
  afterAll(() => stack.close());
  afterEach(() => stack.openai.clearFaults());

  test("the guide's dialogue: told in one session, known in another", async () => {
    const userId = freshUser();
    const { body, status } = await stack.call("POST", "/api/memory/add", {
      user_id: userId,
      session_id: "first",
      messages: [
        { role: "user", content: "Меня зовут Антон, я программист" },
        { role: "assistant", content: "Рад познакомиться, Антон!" },
      ],
      wait: true,
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: "done",
      results: [{ event: "ADD", memory: "Меня зовут Антон, я программист" }],
    });
    const found = await stack.call("POST", "/api/memory/search", {
      user_id: userId,
      session_id: "second",
      query: "Как меня зовут?",
    });
    expect(found.body.memories?.map((one) => one.content)).toContain("Меня зовут Антон, я программист");
  });

  test("what contradicts takes the old one's place", async () => {
    const userId = freshUser();
    await ask.add(userId, "Я живу в Казани", { wait: true });
    expect(await ask.add(userId, "Я переехал и живу в Москве", { wait: true })).toMatchObject({
      results: [{ event: "SUPERSEDE" }],
    });
    expect(await ask.contents(userId)).toEqual(["Я переехал и живу в Москве"]);
  });

  test("five hundred adds while the provider is away: each extracted once, in order per user, when it is back", async () => {
    await stack.openai.fault({ endpoint: "chat", status: 503 });
    const names = Array.from({ length: 10 }, freshUser);
    for (let n = 0; n < 50; n++)
      await Promise.all(
        names.map((userId) => ask.add(userId, `Утверждение номер ${String(n).padStart(2, "0")} о себе`)),
      );
    expect(await ask.search(names[0] ?? "", "утверждение 49")).not.toEqual([]);
    await stack.openai.clearFaults();
    const expected = Array.from({ length: 50 }, (_, n) => `Утверждение номер ${String(n).padStart(2, "0")} о себе`);
    for (const userId of names)
      await eventually(async () => (await ask.contents(userId)).length === expected.length, { timeoutMs: 60_000 });
    for (const userId of names) expect((await ask.contents(userId)).toSorted()).toEqual(expected);
    const order = await stack.sockets.db.query<{ ordered: boolean }>(
      `SELECT bool_and(later) AS ordered FROM (
         SELECT content >= lag(content, 1, '') OVER (PARTITION BY user_id ORDER BY created_at, id) AS later FROM public.memories WHERE user_id = ANY ($1::text[])) o`,
      [names],
    );
    expect(order).toEqual([{ ordered: true }]);
  }, 120_000);

  test.each<[string, OpenAIFault, string]>([
    ["a refusal", { refusal: true }, "failed"],
    ["talk instead of JSON", { content: "Я не нашёл ничего." }, "failed"],
    ["half an answer", { half: true, times: 1 }, "done"],
    ["an answer that is no JSON", { wrong_json: true, times: 1 }, "done"],
    ["a hang", { hang: true, times: 1 }, "done"],
    ["429", { status: 429, retry_after: 1, times: 1 }, "done"],
    ["500", { status: 500, times: 2 }, "done"],
  ])("%s: nothing is lost, and the event says what happened", async (_name, fault, status) => {
    const userId = freshUser();
    const content = `Моё слово${users}е о себе`;
    await stack.openai.fault({ endpoint: "chat", match: `слово${users}е`, ...fault });
    const { event_id: id } = await ask.add(userId, content);
    const event = await ask.settled(id);
    expect(event.status).toBe(status);
    if (status === "failed") expect(event.error).toMatch(/^invalid: /);
    expect(await ask.search(userId, `слово${users}е`)).toContain(content);
  });

  test("one message that cannot be read holds up nobody else's", async () => {
    const userId = freshUser();
    await stack.openai.fault({ endpoint: "chat", match: "отрава", content: "no" });
    const events = await Promise.all(
      ["Первое утверждение о себе", "Второе, и в нём отрава", "Третье утверждение о себе"].map((content) =>
        ask.add(userId, content),
      ),
    );
    const settled = await Promise.all(events.map(({ event_id: id }) => ask.settled(id)));
    expect(settled.map((event) => event.status)).toEqual(["done", "failed", "done"]);
    expect((await ask.contents(userId)).toSorted()).toEqual(["Первое утверждение о себе", "Третье утверждение о себе"]);
  });

  test.each<[string, OpenAIFault]>([
    ["refuses everything (a wrong model, some gateways)", { status: 400 }],
    ["gives no JSON about anything", { content: "no" }],
  ])(
    "a provider that %s is told as a problem; nothing is set aside, and all is read once it works",
    async (_n, fault) => {
      await ask.add(freshUser(), "Я люблю чай с чабрецом", { wait: true });
      const before = stack.logs.filter((line) => line.code === "model_answers").length;
      await stack.openai.fault({ endpoint: "chat", ...fault });
      const events = await Promise.all(
        [1, 2, 3].map((n) => ask.add(freshUser(), `Это моё утверждение номер ${n} о себе`)),
      );
      await eventually(async () =>
        (await Promise.all(events.map(({ event_id: id }) => ask.eventOf(id)))).some((event) =>
          event.error?.includes("harmless sentence"),
        ),
      );
      expect(stack.logs.filter((line) => line.code === "model_answers")).toHaveLength(before + 1);
      await stack.openai.clearFaults();
      for (const { event_id: id } of events)
        expect(await ask.settled(id)).toMatchObject({ status: "done", results: [{ event: "ADD" }] });
    },
  );

  test("a model whose answers never fit is told as such, once, with its cure", async () => {
    await stack.openai.fault({ endpoint: "chat", match: "беда", content: "no" });
    const told = () => stack.logs.filter((line) => line.code === "model_answers");
    await ask.add(freshUser(), "Я люблю чай с мелиссой", { wait: true });
    const before = told().length;
    const events = await Promise.all(
      ["раз", "два", "три", "четыре"].map((word) => ask.add(freshUser(), `Моя беда номер ${word} о себе`)),
    );
    for (const { event_id: id } of events) expect((await ask.settled(id)).status).toBe("failed");
    expect(told().slice(before)).toMatchObject([{ msg: "The answers of LLM_MODEL cannot be read as memories" }]);
  });

  test("every call is in the ledger with its price", async () => {
    await ask.add(freshUser(), "Я люблю чай с бергамотом", { wait: true });
    const spent = await eventually(async () => {
      const { spend } = (await stack.call("GET", "/api/stats")).body as unknown as {
        spend: { by_model: { operation: string; model: string; calls: number; failed: number; dollars: number }[] };
      };
      return spend.by_model.length >= 2 ? spend.by_model : undefined;
    });
    const extract = spent.find((line) => line.operation === "extract");
    expect(extract).toMatchObject({ model: "gpt-4o-mini" });
    expect(extract?.dollars).toBeGreaterThan(0);
    expect(extract?.failed).toBeGreaterThan(0);
    expect(spent.find((line) => line.operation === "embed")?.calls).toBeGreaterThan(0);
  });
});

whenThere("a limit of the day's dollars", () => {
  let stack: Stack;
  let ask: ReturnType<typeof asked>;
  beforeAll(async () => {
    stack = await startStack({ SPEND_LIMIT_DOLLARS_PER_DAY: "0.000001" });
    ask = asked(stack);
  }, 60_000);
  afterAll(() => stack.close());

  test("parks what is said past it, which words still find", async () => {
    const userId = freshUser();
    await ask.add(userId, "Я люблю чай с бергамотом", { wait: true });
    const { event_id: id } = await ask.add(userId, "Ещё я люблю рыбалку на Волге");
    const event = await eventually(async () => {
      const now = await ask.eventOf(id);
      return now.status === "parked" ? now : undefined;
    });
    expect(event.error).toMatch(/SPEND_LIMIT_DOLLARS_PER_DAY/);
    expect(await ask.search(userId, "рыбалка")).toContain("Ещё я люблю рыбалку на Волге");
  });
});

whenThere("a limit of dollars and a model without a price", () => {
  let stack: Stack;
  let ask: ReturnType<typeof asked>;
  beforeAll(async () => {
    stack = await startStack({ SPEND_LIMIT_DOLLARS_PER_DAY: "5", LLM_MODEL: "llama3.2" });
    ask = asked(stack);
  }, 60_000);
  afterAll(() => stack.close());

  test("is told as a problem with its cure; what is said waits, and the embedder, whose price is known, does not", async () => {
    const { problems } = (await stack.call("GET", "/api/memory/status")).body;
    expect(problems).toMatchObject([{ code: "model_price" }]);
    const { event_id: id } = await ask.add(freshUser(), "Я люблю чай с бергамотом");
    const event = await eventually(async () => {
      const now = await ask.eventOf(id);
      return now.status === "parked" ? now : undefined;
    });
    expect(event.error).toMatch(/llama3\.2.*MODEL_PRICES/);
    expect(await ask.counter("chat_calls")).toBe(0);
    const { body } = await stack.call("POST", "/api/memories", { user_id: freshUser(), content: "Живу", wait: true });
    expect(body.index_status).toBe("indexed");
  });
});

whenThere("talk that comes at once", () => {
  let stack: Stack;
  let ask: ReturnType<typeof asked>;
  beforeAll(async () => {
    // Longer than five requests can take, however busy the machine is.
    stack = await startStack({ EXTRACTION_DEBOUNCE_MS: "3000" });
    ask = asked(stack);
  }, 60_000);
  afterAll(() => stack.close());

  test("one chat and one embeddings call for a batch, however many adds it holds; none for a repeat", async () => {
    const userId = freshUser();
    const before = { chat: await ask.counter("chat_calls"), embed: await ask.counter("calls") };
    const events = await Promise.all(
      [1, 2, 3, 4, 5].map((n) => ask.add(userId, `Это моё ${n}-е утверждение о погоде`)),
    );
    for (const { event_id: id } of events) await ask.settled(id);
    await eventually(
      async () => (await ask.contents(userId)).length === 5 && (await ask.counter("calls")) > before.embed,
    );
    expect({ chat: await ask.counter("chat_calls"), embed: await ask.counter("calls") }).toEqual({
      chat: before.chat + 1,
      embed: before.embed + 1,
    });
    expect(await ask.add(userId, "Это моё 1-е утверждение о погоде", { wait: true })).toMatchObject({
      status: "done",
      results: [{ event: "SAME" }],
    });
    expect(await ask.counter("chat_calls")).toBe(before.chat + 1);
  });
});
