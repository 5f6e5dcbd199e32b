// CONTRACT.md 1: X-Request-Id in and out.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { absentId, unique } from "../memories.ts";

describe("X-Request-Id", () => {
  test("what came in goes out, on a success", async () => {
    const id = unique("request");
    const answer = await api("GET", "/api/health", { headers: { "x-request-id": id } });
    expect(answer.headers.get("x-request-id")).toBe(id);
  });

  test("what came in goes out and is in the body, on an error", async () => {
    const id = unique("request");
    for (const [method, path] of [
      ["GET", `/api/memories/${absentId}`],
      ["POST", "/api/memories"],
      ["GET", "/api/no-such-route"],
      ["PATCH", "/api/health"],
    ] as const) {
      const answer = await api(method, path, { headers: { "x-request-id": id } });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.headers.get("x-request-id")).toBe(id);
      expect(answer.body.request_id).toBe(id);
    }
  });

  test("it is in the body of a 401, too", async () => {
    const id = unique("request");
    const answer = await api("GET", "/api/memories/user/u", { key: "wrong-key", headers: { "x-request-id": id } });
    expect(answer.headers.get("x-request-id")).toBe(id);
    expect(answer.body.request_id).toBe(id);
  });

  test("without one each request gets its own", async () => {
    const first = await api("GET", `/api/memories/${absentId}`);
    const second = await api("GET", `/api/memories/${absentId}`);
    expect(first.headers.get("x-request-id")).toBe(first.body.request_id);
    expect(first.body.request_id).not.toBe("");
    expect(first.body.request_id).not.toBe(second.body.request_id);
  });

  test("an absurd one does no harm", async () => {
    const answer = await api("GET", "/api/health", { headers: { "x-request-id": "x".repeat(5_000) } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-request-id")).not.toBeNull();
  });
});
