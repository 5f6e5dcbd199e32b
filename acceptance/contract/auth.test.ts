// CONTRACT.md 1: which keys open what.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { absentId, unique } from "../memories.ts";
import { target } from "../target.ts";

const unauthorized = { error: "Unauthorized", message: "Invalid API key", request_id: expect.any(String) };

interface Call {
  method: string;
  path: string;
  body?: unknown;
}

/** Every call that needs a key. */
const closed: Call[] = [
  { method: "POST", path: "/api/memories", body: { user_id: "u", content: "c" } },
  { method: "POST", path: "/api/memories/bulk", body: { memories: [{ user_id: "u", content: "c" }] } },
  { method: "POST", path: "/api/memories/search", body: { user_id: "u" } },
  { method: "GET", path: `/api/memories/${absentId}` },
  { method: "GET", path: `/api/memories/${absentId}/history` },
  { method: "PUT", path: `/api/memories/${absentId}`, body: { content: "c" } },
  { method: "PATCH", path: `/api/memories/${absentId}`, body: { content: "c" } },
  { method: "DELETE", path: `/api/memories/${absentId}` },
  { method: "GET", path: "/api/memories/user/u" },
  { method: "DELETE", path: "/api/memories/user/nobody-at-all" },
];
const open: Call[] = [
  { method: "GET", path: "/api/health" },
  { method: "HEAD", path: "/api/health" },
  { method: "GET", path: "/livez" },
  { method: "GET", path: "/readyz" },
  { method: "GET", path: "/openapi.json" },
];

function call({ method, path, body }: Call, key: string | null) {
  return api(method, path, { key, ...(body === undefined ? {} : { body }) });
}

describe("a valid key", () => {
  const path = `/api/memories/user/${unique("auth")}`;

  test.each([
    ["Authorization: Bearer", (key: string) => ({ authorization: `Bearer ${key}` })],
    ["Authorization: Token", (key: string) => ({ authorization: `Token ${key}` })],
    ["X-API-Key", (key: string) => ({ "x-api-key": key })],
  ])("%s opens, on every API", async (_form, headers) => {
    for (const base of target.bases) {
      expect((await api("GET", path, { base, key: null, headers: headers(target.key) })).status).toBe(200);
    }
  });

  (target.secondKey === "" ? test.skip : test)("the second key of MEM0_API_KEY opens the same memories", async () => {
    const body = { user_id: unique("auth"), content: "Written with one key" };
    const written = await api<{ id: string }>("POST", "/api/memories", { body });
    const read = await api("GET", `/api/memories/${written.body.id}`, { key: target.secondKey });
    expect(read).toMatchObject({ status: 200, body: { content: body.content } });
  });
});

describe("a wrong key", () => {
  test.each([...closed, ...open.filter(({ method }) => method !== "HEAD")])(
    "401 on $method $path",
    async (closedCall) => {
      expect(await call(closedCall, "wrong-key")).toMatchObject({ status: 401, body: unauthorized });
    },
  );

  test("401 on HEAD /api/health", async () => {
    expect((await api("HEAD", "/api/health", { key: "wrong-key" })).status).toBe(401);
  });

  test.each([
    ["Token", { authorization: "Token wrong-key" }],
    ["X-API-Key", { "x-api-key": "wrong-key" }],
    ["a scheme that is none", { authorization: "Basic d3Jvbmc6a2V5" }],
    ["a beginning of the key", { authorization: `Bearer ${target.key.slice(0, -1)}` }],
    ["more than the key", { authorization: `Bearer ${target.key}x` }],
    ["both keys as one", { authorization: `Bearer ${target.key},${target.secondKey}` }],
    ["a very long key", { "x-api-key": "k".repeat(8_000) }],
  ])("401 in the form of %s", async (_form, headers) => {
    const answer = await api("GET", "/api/memories/user/u", { key: null, headers });
    expect(answer).toMatchObject({ status: 401, body: unauthorized });
  });
});

describe("no key", () => {
  test.each(closed)("401 on $method $path", async (closedCall) => {
    expect(await call(closedCall, null)).toMatchObject({ status: 401, body: unauthorized });
  });

  test.each(open)("200 on $method $path", async (openCall) => {
    expect((await call(openCall, null)).status).toBe(200);
  });

  test("401 before the body is looked at", async () => {
    const raw = "{ this is no JSON";
    const answer = await api("POST", "/api/memories", {
      key: null,
      raw,
      headers: { "content-type": "application/json" },
    });
    expect(answer.status).toBe(401);
  });
});
