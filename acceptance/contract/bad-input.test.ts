// CONTRACT.md 1: bad input is answered with 4xx that names the field; never 5xx, a stack trace or a hang.
import { afterAll, describe, expect, test } from "@jest/globals";
import { api, sendJson } from "../client.ts";
import { expectError, names } from "../errors.ts";
import { absentId, create, unique } from "../memories.ts";

const userId = unique("bad-input");
const good = { user_id: userId, content: "Любит чай" };

const create400 = async (body: unknown) => {
  const answer = await api("POST", "/api/memories", { body });
  expectError(answer, 400);
  expect(answer.body.error).toBe("Bad Request");
  return answer.body;
};

afterAll(async () => {
  // After all of this the service still works.
  expect((await api("GET", "/api/health")).status).toBe(200);
});

describe("POST /api/memories", () => {
  test("400 when user_id is missing", async () => {
    expect((await create400({ content: "Любит чай" })).message).toBe("Missing required field: user_id");
  });

  test("400 when content is missing", async () => {
    expect((await create400({ user_id: userId })).message).toBe("Missing required field: content");
  });

  test("400 when session_id is missing for the level session", async () => {
    expect((await create400({ ...good, level: "session" })).message).toBe("Missing required field: session_id");
  });

  test("400 when agent_id is missing for the level agent", async () => {
    expect((await create400({ ...good, level: "agent" })).message).toBe("Missing required field: agent_id");
    expect((await create400({ content: "Любит чай", level: "agent" })).message).toBe(
      "Missing required field: agent_id",
    );
  });

  test.each([
    ["user_id", { ...good, user_id: {} }],
    ["user_id", { ...good, user_id: ["a"] }],
    ["user_id", { ...good, user_id: "" }],
    ["user_id", { ...good, user_id: " \t" }],
    ["session_id", { ...good, session_id: "  " }],
    ["key", { ...good, key: " " }],
    ["content", { ...good, content: { text: "Любит чай" } }],
    ["content", { ...good, content: ["Любит чай"] }],
    ["type", { ...good, type: {} }],
    ["level", { ...good, level: "galaxy" }],
    ["key", { ...good, key: [] }],
    ["session_id", { ...good, session_id: {} }],
    ["agent_id", { ...good, agent_id: [] }],
    ["metadata", { ...good, metadata: "text" }],
    ["metadata", { ...good, metadata: [1] }],
    ["importance", { ...good, importance: "very" }],
    ["categories", { ...good, categories: { a: 1 } }],
    ["wait", { ...good, wait: {} }],
  ])("400 when %s has a wrong type or value", async (field, body) => {
    expect(names(await create400(body), field)).toBe(true);
  });

  test.each([
    ["occurred_at", "yesterday"],
    ["occurred_at", "2025-02-30T00:00:00Z"],
    ["occurred_at", "2025-13-01T00:00:00Z"],
    ["occurred_at", {}],
    ["expires_at", "never"],
    ["ttl_seconds", -5],
    ["ttl_seconds", "soon"],
  ])("400 when %s is %p", async (field, value) => {
    expect(names(await create400({ ...good, [field]: value }), field)).toBe(true);
  });

  test.each([
    ["empty", ""],
    ["blank", " \n\t "],
    ["of unseen spaces", "\u00a0\u2003"],
  ])("400 when content is %s", async (_what, content) => {
    expect(names(await create400({ ...good, content }), "content")).toBe(true);
  });

  test.each([
    ["content", { ...good, content: "до \ud83d после" }],
    ["user_id", { ...good, user_id: "\udc00" }],
    ["metadata", { ...good, metadata: { note: "\ud800" } }],
    ["metadata", { ...good, metadata: { "\udfff": 1 } }],
  ])("400 for a lone surrogate in %s", async (_field, body) => {
    await create400(body);
  });

  test.each([
    ["content", { ...good, content: "до \u0000 после" }],
    ["user_id", { ...good, user_id: "a\u0000b" }],
    ["type", { ...good, type: "a\u0000b" }],
    ["metadata", { ...good, metadata: { note: "\u0000" } }],
    ["metadata", { ...good, metadata: { "a\u0000": 1 } }],
  ])("400 for NUL in %s", async (_field, body) => {
    await create400(body);
  });

  test("201 for text outside the basic plane, and it comes back whole", async () => {
    const content = "Любит чай 🍵 и музыку 𝄞";
    expect(await create({ user_id: userId, content, metadata: { "🍵": "𝄞" } })).toMatchObject({
      content,
      metadata: { "🍵": "𝄞" },
    });
  });
});

describe("a body that is no object", () => {
  test.each(["[]", "null", '"text"', "42", "true", ""])("400 for %p", async (raw) => {
    for (const path of ["/api/memories", "/api/memories/search", "/api/memories/bulk"]) {
      expectError(await sendJson("POST", path, raw), 400);
    }
  });

  test.each(['{"user_id": "u", "content": ', "{user_id: 1}", "{} {}", "\u0000", '{"a":1,}'])(
    "400 for malformed JSON %p",
    async (raw) => {
      for (const [method, path] of [
        ["POST", "/api/memories"],
        ["POST", "/api/memories/search"],
        ["POST", "/api/memories/bulk"],
        ["PUT", `/api/memories/${absentId}`],
      ] as const) {
        expectError(await sendJson(method, path, raw), 400);
      }
    },
  );

  test("400 for bytes that are no UTF-8", async () => {
    const raw = Buffer.concat([
      Buffer.from(`{"user_id":"${userId}","content":"`),
      // "привет" in windows-1251.
      Buffer.from([0xef, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2]),
      Buffer.from('"}'),
    ]);
    for (const path of ["/api/memories", "/api/memory/add", "/api/memories/search"]) {
      const answer = await api("POST", path, {
        raw: Uint8Array.from(raw),
        headers: { "content-type": "application/json" },
      });
      expectError(answer, 400);
      expect(answer.body.message).toContain("UTF-8");
    }
    const headers = { "content-type": "application/json; charset=windows-1251" };
    expectError(await api("POST", "/api/memories", { raw: Uint8Array.from(raw), headers }), 415);
  });

  test.each(["gzip", "deflate", "br"])("400 for a body that says it is %s and is not", async (encoding) => {
    for (const path of ["/api/memories", "/api/memories/search", "/api/memories/bulk"]) {
      const headers = { "content-type": "application/json", "content-encoding": encoding };
      const answer = await api("POST", path, { raw: "no such thing", headers });
      expectError(answer, 400);
      expect(answer.body.message).toContain("Content-Encoding");
    }
  });

  test("415 for a content encoding that nobody knows", async () => {
    const headers = { "content-type": "application/json", "content-encoding": "foo" };
    expectError(await api("POST", "/api/memories", { raw: JSON.stringify(good), headers }), 415);
  });

  test("400 for a number in metadata that JSON could not give back", async () => {
    const raw = `{"user_id":"${userId}","content":"Любит чай","metadata":{"far":[1e400]}}`;
    expect(names((await sendJson("POST", "/api/memories", raw)).body, "metadata")).toBe(true);
  });
});

describe("deep JSON", () => {
  const deep = (depth: number) => `${"[".repeat(depth)}1${"]".repeat(depth)}`;
  const withMetadata = (depth: number) =>
    `{"user_id":"${userId}","content":"Любит чай","metadata":{"deep":${deep(depth)}}}`;

  test.each(["metadata", "content", "unknown"])("10,000 nested arrays in %s are no 5xx", async (field) => {
    const raw =
      field === "content"
        ? `{"user_id":"${userId}","content":${deep(10_000)}}`
        : field === "metadata"
          ? withMetadata(10_000)
          : `{"user_id":"${userId}","content":"Глубина","unknown":${deep(10_000)}}`;
    const answer = await sendJson("POST", "/api/memories", raw);
    expect(field === "unknown" ? [201, 400] : [400, 413]).toContain(answer.status);
  });

  test("6,000 nested arrays, within the size of metadata, are no 5xx", async () => {
    expect([201, 400]).toContain((await sendJson("POST", "/api/memories", withMetadata(6_000))).status);
  });

  test("10,000 nested arrays alone are 400", async () => {
    expectError(await sendJson("POST", "/api/memories/search", deep(10_000)), 400);
  });
});

describe("a content type that is not JSON", () => {
  test.each(["text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data; boundary=x"])(
    "415 for %s",
    async (type) => {
      for (const path of ["/api/memories", "/api/memories/search", "/api/memories/bulk"]) {
        expectError(await api("POST", path, { raw: JSON.stringify(good), headers: { "content-type": type } }), 415);
      }
    },
  );
});
