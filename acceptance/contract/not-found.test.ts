// CONTRACT.md 1: 404 for an absent or malformed id, indistinguishably; 404 for an unknown route, 405 for a wrong method.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { expectError } from "../errors.ts";
import { absentId, unique } from "../memories.ts";

const userId = unique("not-found");

describe("an id that nothing has", () => {
  const malformed = [
    "mem_1234567890",
    "nonsense",
    "42",
    `${absentId}0`,
    absentId.toUpperCase(),
    "0190a5c2-7b1e-7000-8000-000000000000",
    "mem_",
    "%00",
    "a%2Fb",
    "%F0%9F%8D%B5",
    "x".repeat(2_000),
  ];
  const calls: { method: string; suffix: string; body?: unknown }[] = [
    { method: "GET", suffix: "" },
    { method: "GET", suffix: "/history" },
    { method: "PUT", suffix: "", body: { content: "Любит кофе" } },
    { method: "PATCH", suffix: "", body: { content: "Любит кофе" } },
    { method: "DELETE", suffix: "" },
  ];

  test.each(calls)(
    "404 for $method /api/memories/:id$suffix, in the same words whether unknown or malformed",
    async ({ method, suffix, body }) => {
      const options = body === undefined ? {} : { body };
      const unknown = await api(method, `/api/memories/${absentId}${suffix}`, options);
      expectError(unknown, 404);
      expect(unknown.body.error).toBe("Not Found");
      expect(unknown.text).not.toContain(absentId);
      for (const id of malformed) {
        const answer = await api(method, `/api/memories/${id}${suffix}`, options);
        expectError(answer, 404);
        expect({ ...answer.body, request_id: "" }).toEqual({ ...unknown.body, request_id: "" });
      }
    },
  );

  test("a path that cannot be decoded is 400 or 404", async () => {
    expect([400, 404]).toContain((await api("GET", "/api/memories/%ff")).status);
    expect([400, 404]).toContain((await api("GET", "/api/memories/user/%ff")).status);
  });
});

describe("routes", () => {
  test.each([
    ["GET", "/api/no-such-route"],
    ["POST", "/api/memorys"],
    ["GET", "/no-such-page"],
    ["GET", "/api"],
  ])("404 for %s %s", async (method, path) => {
    expectError(await api(method, path), 404);
  });

  test.each([
    ["GET", "/api/memories", ["POST"]],
    ["DELETE", "/api/memories", ["POST"]],
    ["PUT", "/api/health", ["GET", "HEAD"]],
    ["POST", `/api/memories/${absentId}`, ["GET", "PUT", "PATCH", "DELETE"]],
    ["POST", `/api/memories/${absentId}/history`, ["GET"]],
    ["PUT", `/api/memories/user/${userId}`, ["GET", "DELETE"]],
  ])("405 with Allow for %s %s", async (method, path, allowed) => {
    const answer = await api(method, path);
    expectError(answer, 405);
    const allow = (answer.headers.get("allow") ?? "").split(",").map((name) => name.trim());
    expect(allow).toEqual(expect.arrayContaining(allowed));
    expect(allow).not.toContain(method);
  });
});
