// CONTRACT.md 4: POST /api/memory/add keeps what was said, findable at once; GET /api/events/:id tells what became of it.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { expectError, names } from "../errors.ts";
import { unique, type Found, type Page } from "../memories.ts";

interface Event {
  event_id: string;
  status: string;
  results?: { id: string; memory: string; event: string }[];
  error?: string;
  warnings?: string[];
}

const add = (body: object, headers: Record<string, string> = {}) =>
  api<Event>("POST", "/api/memory/add", { body, headers });
const search = async (body: object) => (await api<Found>("POST", "/api/memory/search", { body })).body;
const dialogue = [
  { role: "user", content: "Меня зовут Антон, я программист" },
  { role: "assistant", content: "Рад познакомиться, Антон!" },
];

describe("POST /api/memory/add", () => {
  test("202 with an event, and what was said is found at once, from another session too", async () => {
    const userId = unique("add");
    const answer = await add({ user_id: userId, session_id: "one", messages: dialogue });
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({ event_id: expect.stringMatching(/^evt_[0-9a-z]{26}$/), status: "queued" });
    const { memories } = await search({ user_id: userId, session_id: "two", query: "программист" });
    expect(memories[0]?.content).toMatch(/программист/);
    const event = await api<Event>("GET", `/api/events/${answer.body.event_id}`);
    expect(event.status).toBe(200);
    expect(event.body).toMatchObject({ event_id: answer.body.event_id, created_at: expect.any(String) });
  });

  test("a message is found in the shape of a memory, and not by whoever asks for types", async () => {
    const userId = unique("add");
    // Nothing comes of it: it stays a message for as long as nobody has read it.
    await add({
      user_id: userId,
      messages: [{ role: "assistant", content: "Хризантема зацвела", timestamp: "2026-05-01T10:00:00Z" }],
    });
    const { memories } = await search({ user_id: userId, query: "хризантемы" });
    for (const hit of memories.filter((one) => one.type === "message"))
      expect(hit).toMatchObject({
        id: expect.stringMatching(/^msg_/),
        user_id: userId,
        metadata: { role: "assistant" },
        occurred_at: "2026-05-01T10:00:00.000Z",
      });
    expect(
      (await search({ user_id: userId, query: "хризантемы", types: ["fact"] })).memories.map((one) => one.type),
    ).not.toContain("message");
    expect((await search({ user_id: unique("add"), query: "хризантемы" })).total).toBe(0);
  });

  test("infer: false keeps every turn as it is: 200, done, once", async () => {
    const userId = unique("add");
    const body = { user_id: userId, messages: dialogue, infer: false };
    const answer = await add(body);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ status: "done" });
    expect(answer.body.results?.map((one) => [one.event, one.memory])).toEqual([
      ["ADD", "Меня зовут Антон, я программист"],
      ["ADD", "Рад познакомиться, Антон!"],
    ]);
    expect((await add(body)).body.results?.map((one) => one.event)).toEqual(["SAME", "SAME"]);
    const listed = await api<Found>("GET", `/api/memories/user/${userId}`);
    expect(listed.body.total).toBe(2);
    expect(listed.body.memories.map((one) => one.type)).toEqual(["interaction", "interaction"]);
  });

  test("who changes their mind back in the same words is believed, and a history that is sent again changes nothing", async () => {
    const userId = unique("add");
    const say = async (...turns: string[]) => {
      const messages = turns.map((content) => ({ role: "user", content }));
      const { body } = await add({ user_id: userId, session_id: "telegram", messages, wait: 30 });
      return (body.results ?? []).map((one) => [one.event, one.memory]);
    };
    const homes = async () =>
      (await api<Page>("GET", `/api/memories/user/${userId}`)).body.memories.map((one) => one.content);
    const [kazan, moscow] = ["Я теперь живу в Казани", "Я теперь живу в Москве"] as const;
    expect(await say(kazan)).toEqual([["ADD", kazan]]);
    expect(await say(moscow)).toEqual([["SUPERSEDE", moscow]]);
    expect(await say(kazan)).toEqual([["SUPERSEDE", kazan]]);
    expect(await say(kazan)).toEqual([["SAME", kazan]]);
    expect(await homes()).toEqual([kazan]);
    expect(await say(kazan, moscow, kazan, moscow)).toEqual([["SUPERSEDE", moscow]]);
    await say(kazan, moscow, kazan, moscow);
    expect(await homes()).toEqual([moscow]);
  });

  test("the same Idempotency-Key gets the same answer", async () => {
    const body = { user_id: unique("add"), messages: dialogue };
    const key = { "idempotency-key": unique("key") };
    const [first, second] = [await add(body, key), await add(body, key)];
    expect(second.text).toBe(first.text);
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expectError(await api("POST", "/api/memory/add", { body: { ...body, infer: false }, headers: key }), 422);
  });

  test.each([
    ["one text is the user's", "Я люблю чай с чабрецом"],
    ["one message", { role: "user", content: "Я люблю чай с чабрецом" }],
    [
      "parts",
      [
        {
          role: "user",
          content: [
            { type: "text", text: "Я люблю чай с чабрецом" },
            { type: "image_url", image_url: { url: "x" } },
          ],
        },
      ],
    ],
    ["other names of the roles", [{ role: "human", content: "Я люблю чай с чабрецом" }]],
    ["without a role", [{ content: "Я люблю чай с чабрецом" }]],
  ])("as clients send it: %s", async (_title, messages) => {
    const userId = unique("add");
    expect((await add({ user_id: userId, messages, infer: false })).status).toBe(200);
    const { body } = await api<Found>("GET", `/api/memories/user/${userId}`);
    expect(body.memories.map((one) => [one.content, one.metadata["role"]])).toEqual([
      ["Я люблю чай с чабрецом", "user"],
    ]);
  });

  test("system and empty messages are left out, said in warnings", async () => {
    const messages = [
      { role: "system", content: "You are a helpful assistant" },
      { role: "user", content: "  " },
      { role: "assistant", content: null, tool_calls: [] },
    ];
    const answer = await add({ user_id: unique("add"), messages });
    expect(answer.body).toMatchObject({ status: "done", results: [] });
    expect(answer.body.warnings).toHaveLength(2);
  });

  test.each([
    [{ messages: dialogue }, "user_id"],
    [{ user_id: "u" }, "messages"],
    [{ user_id: "u", messages: [] }, "messages"],
    [{ user_id: "u", messages: [1] }, "messages.0"],
    [{ user_id: "u", messages: [{ role: "user" }] }, "messages.0.content"],
    [{ user_id: "u", messages: [{ role: "king", content: "x" }] }, "messages.0.role"],
    [{ user_id: "u", messages: [...dialogue, { role: "user", content: { a: 1 } }] }, "messages.2.content"],
    [{ user_id: "u", messages: [{ role: "user", content: "a\u0000b" }] }, "messages.0.content"],
    [{ user_id: "u", messages: [{ role: "user", content: "x", timestamp: "вчера" }] }, "messages.0.timestamp"],
    [{ user_id: "u", messages: dialogue, infer: "maybe" }, "infer"],
    [{ user_id: "u", messages: dialogue, custom_instructions: 5 }, "custom_instructions"],
    [{ user_id: "u", messages: dialogue, wait: 61 }, "wait"],
  ])("400 that names the field: %j", async (body, field) => {
    const answer = await api("POST", "/api/memory/add", { body });
    expectError(answer, 400);
    expect(names(answer.body, field)).toBe(true);
  });

  test("413 for a message that is longer than a memory may be", async () => {
    const messages = [{ role: "user", content: "x".repeat(65_537) }];
    const answer = await api("POST", "/api/memory/add", { body: { user_id: "u", messages } });
    expectError(answer, 413);
    expect(names(answer.body, "messages.0.content")).toBe(true);
  });

  test("401 without a key", async () => {
    expectError(await api("POST", "/api/memory/add", { body: {}, key: null }), 401);
  });
});

describe("GET /api/events/:id", () => {
  test.each(["evt_00000000000000000000000000", "nonsense", "%F0%9F%98%80"])("404 for %s", async (id) => {
    expectError(await api("GET", `/api/events/${id}`), 404);
  });
});

test("what was said is part of a person's export, and of an erasure", async () => {
  const userId = unique("add");
  await add({ user_id: userId, messages: dialogue });
  interface Export {
    messages: { content: string; role: string }[];
    counts: { messages: number };
  }
  const document = await api<Export>("GET", `/api/users/${userId}/export`);
  expect(document.body.messages.map((one) => [one.role, one.content])).toEqual(
    dialogue.map((one) => [one.role, one.content]),
  );
  expect((await api<{ erased: object }>("DELETE", `/api/users/${userId}`)).body).toMatchObject({
    erased: { messages: 2, events: 1 },
  });
  expect((await api<Export>("GET", `/api/users/${userId}/export`)).body.counts.messages).toBe(0);
  expect((await search({ user_id: userId, query: "программист" })).total).toBe(0);
});
