import { describe, expect, test } from "@jest/globals";
import { keyTaken, MemoryError } from "@engram/memory";
import type { Response } from "express";
import type { ApiDeps } from "./app.ts";
import { errorHandler } from "./http-error.ts";

/** What an error becomes on the wire. */
function answerTo(
  error: unknown,
  path = "/api/memories",
): { status?: number; body?: unknown; headers: Record<string, string> } {
  const answer: ReturnType<typeof answerTo> = { headers: {} };
  const res = {
    locals: { requestId: "req-1" },
    req: { path },
    setHeader: (name: string, value: string) => (answer.headers[name] = value),
    status: (status: number) =>
      Object.assign(res, { json: (body: unknown) => Object.assign(answer, { status, body }) }),
  };
  const handle = errorHandler({ logger: { error: () => undefined, warn: () => undefined } } as unknown as ApiDeps);
  handle(error, {} as never, res as unknown as Response, () => undefined);
  return answer;
}

describe("errorHandler", () => {
  test("an Idempotency-Key that is under way: 409 that says when to come again, naming the header", () => {
    expect(answerTo(keyTaken(new Error("23505")))).toMatchObject({
      status: 409,
      headers: { "Retry-After": "1" },
      body: { error: "Conflict", details: [{ field: "Idempotency-Key" }] },
    });
  });

  test("a conflict that waiting does not mend names no time", () => {
    expect(answerTo(new MemoryError("conflict", "Another memory already holds this text or key")).headers).toEqual({});
  });

  test("an Idempotency-Key used for something else: 422", () => {
    expect(answerTo(new MemoryError("key_reused", "no"))).toMatchObject({
      status: 422,
      body: { error: "Unprocessable Entity", message: "no", request_id: "req-1" },
    });
  });

  test("the truth away: 503 that says when to come again", () => {
    expect(answerTo(new MemoryError("unavailable", "away"))).toMatchObject({
      status: 503,
      headers: { "Retry-After": "5" },
    });
  });

  test("to OpenAI's clients as they read it", () => {
    expect(answerTo(new MemoryError("rate_limited", "later"), "/v1/chat/completions")).toMatchObject({
      status: 429,
      body: { error: { message: "later", type: "rate_limit_error", param: null, code: "rate_limited" } },
    });
  });
});
