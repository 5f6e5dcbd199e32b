// CONTRACT.md 1: listings, searches and changes with bad values are 400 that names the field; strange ones are never 5xx.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { expectError, names } from "../errors.ts";
import { create, queryString, unique } from "../memories.ts";

const userId = unique("bad-questions");

describe("GET /api/memories/user/:user_id", () => {
  test.each([
    ["limit", "0"],
    ["limit", "-1"],
    ["limit", "1000000000"],
    ["limit", "1001"],
    ["limit", "1.5"],
    ["limit", "many"],
    ["offset", "-1"],
    ["offset", "some"],
    ["cursor", "garbage"],
    ["cursor", "eyJ2IjoxfQ"],
    ["cursor", "%"],
    ["sort", "colour"],
    ["level", "galaxy"],
    ["created_before", "yesterday"],
    ["created_before", "2025-02-30T00:00:00Z"],
    ["created_after", "2025-13-45"],
  ])("400 when %s is %s", async (name, value) => {
    const answer = await api("GET", `/api/memories/user/${userId}${queryString({ [name]: value })}`);
    expectError(answer, 400);
    expect(answer.body.error).toBe("Bad Request");
    expect(names(answer.body, name)).toBe(true);
  });

  test.each(["limit=1&limit=2", "type[a]=b", "created_before[]=x", "type=a%00b", "session_id=%00"])(
    "no 5xx for ?%s",
    async (query) => {
      expect((await api("GET", `/api/memories/user/${userId}?${query}`)).status).toBeLessThan(500);
    },
  );

  test("no 5xx for NUL in the user's id", async () => {
    expect((await api("GET", "/api/memories/user/a%00b")).status).toBeLessThan(500);
    expect((await api("DELETE", "/api/memories/user/a%00b")).status).toBeLessThan(500);
  });
});

describe("DELETE /api/memories/user/:user_id", () => {
  test.each([
    ["created_before", "yesterday"],
    ["level", "galaxy"],
  ])("400 when %s is %s, and nothing is deleted", async (name, value) => {
    const owner = unique("bad-input");
    const { id } = await create({ user_id: owner, content: "Любит чай" });
    expectError(await api("DELETE", `/api/memories/user/${owner}${queryString({ [name]: value })}`), 400);
    expect((await api("GET", `/api/memories/${id}`)).status).toBe(200);
  });
});

describe("POST /api/memories/search", () => {
  test("400 without any id", async () => {
    const answer = await api("POST", "/api/memories/search", { body: { query: "чай" } });
    expectError(answer, 400);
    expect(names(answer.body, "user_id")).toBe(true);
  });

  test.each([
    ["limit", 0],
    ["limit", -1],
    ["limit", 1e9],
    ["limit", 1001],
    ["limit", "many"],
    ["limit", 2.5],
    ["relevance_threshold", "high"],
    ["relevance_threshold", 1.5],
    ["relevance_threshold", -0.5],
    ["types", 5],
    ["types", {}],
    ["level", "galaxy"],
    ["scope", "everything"],
    ["query", {}],
    ["query", ["чай"]],
    ["query", "я".repeat(32_769)],
    ["created_before", "yesterday"],
    ["created_after", "2025-13-45"],
  ])("400 when %s is %p", async (field, value) => {
    const answer = await api("POST", "/api/memories/search", {
      body: { user_id: userId, query: "чай", [field]: value },
    });
    expectError(answer, 400);
    expect(names(answer.body, field)).toBe(true);
  });

  test.each([
    "",
    " ",
    "'",
    '"',
    "& | ! ( ) : * <-> \\",
    "чай' OR 1=1; --",
    "%_\\",
    "🍵",
    "\u0000",
    "\ud800",
    "https://example.com/a?b=c#d",
    "а".repeat(60_000),
    "слово ".repeat(5_000),
  ])("no 5xx for a strange query (%#)", async (query) => {
    expect((await api("POST", "/api/memories/search", { body: { user_id: userId, query } })).status).toBeLessThan(500);
  });
});

describe("PUT and PATCH /api/memories/:id", () => {
  test.each(["PUT", "PATCH"])("400 when %s gives bad values, and the memory stays as it was", async (method) => {
    const memory = await create({ user_id: unique("bad-input"), content: "Любит чай" });
    for (const body of [
      { content: "" },
      { content: "  " },
      { content: {} },
      { content: "\u0000" },
      { content: "\ud800" },
      { metadata: [] },
      { metadata: "text" },
      { importance: "very" },
      { occurred_at: "yesterday" },
      { expires_at: "never" },
    ]) {
      expectError(await api(method, `/api/memories/${memory.id}`, { body }), 400);
    }
    const now = await api("GET", `/api/memories/${memory.id}`);
    expect(now.body).toMatchObject({ content: "Любит чай", version: memory.version, updated_at: memory.updated_at });
  });
});
