import { describe, expect, test } from "@jest/globals";
import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from "openai";
import { parseRetryAfter, translateOpenAIError } from "./errors.ts";

const failed = (status: number, headers: Record<string, string> = {}, body: object = {}): unknown =>
  APIError.generate(status, body, "secret text", new Headers(headers));

describe("translateOpenAIError", () => {
  test.each([
    [400, "invalid"],
    [413, "invalid"],
    [422, "invalid"],
    [401, "unavailable"],
    [403, "unavailable"],
    [404, "unavailable"],
    [408, "rate_limited"],
    [409, "rate_limited"],
    [429, "rate_limited"],
    [500, "unavailable"],
    [502, "unavailable"],
    [503, "unavailable"],
    [504, "unavailable"],
    [529, "unavailable"],
    [418, "unavailable"],
  ])("%i is %s", (status, code) => {
    expect(translateOpenAIError(failed(status))).toMatchObject({ code });
  });

  test.each([
    ["a timeout", new APIConnectionTimeoutError()],
    ["a cut", new APIUserAbortError()],
    ["a refused connection", new APIConnectionError({ cause: new Error("ECONNREFUSED") })],
    ["wrong JSON", new SyntaxError("Unexpected token")],
    ["no error at all", "oops"],
  ])("%s is unavailable", (_name, thrown) => {
    expect(translateOpenAIError(thrown)).toMatchObject({ code: "unavailable" });
  });

  test.each([
    [401, "OPENAI_API_KEY"],
    [403, "OPENAI_API_KEY"],
    [404, "EMBEDDING_MODEL"],
  ])("%i names the setting that the operator has to mend", (status, setting) => {
    expect(translateOpenAIError(failed(status)).message).toContain(setting);
  });

  test("a quota that is used up says so, and is no text's fault", () => {
    const error = translateOpenAIError(failed(429, {}, { error: { code: "insufficient_quota" } }));
    expect(error).toMatchObject({ code: "rate_limited", message: expect.stringContaining("quota") });
  });

  test("a 503 with Retry-After is as patient as a 429", () => {
    expect(translateOpenAIError(failed(503, { "retry-after": "30" }))).toMatchObject({
      code: "unavailable",
      retryAfterSeconds: 30,
    });
  });
});

describe("parseRetryAfter", () => {
  const now = Date.parse("2026-11-24T12:00:00Z");
  const parse = (headers: Record<string, string>) => parseRetryAfter(new Headers(headers), now);

  test.each([
    ["seconds", { "retry-after": "7" }, 7],
    ["a fraction", { "retry-after": "0.5" }, 0.5],
    ["ten minutes, which the SDK itself would not wait", { "retry-after": "600" }, 600],
    ["a week", { "retry-after": "604800" }, 604_800],
    ["a date", { "retry-after": "Tue, 24 Nov 2026 12:10:00 GMT" }, 600],
    ["a date that has passed", { "retry-after": "Tue, 24 Nov 2026 11:00:00 GMT" }, 0],
    ["milliseconds, which win", { "retry-after-ms": "1500", "retry-after": "2" }, 1.5],
    ["milliseconds that are none", { "retry-after-ms": "soon", "retry-after": "2" }, 2],
    ["empty milliseconds", { "retry-after-ms": "", "retry-after": "2" }, 2],
    ["a negative number", { "retry-after": "-5" }, 0],
  ])("%s", (_name, headers, expected) => {
    expect(parse(headers)).toBe(expected);
  });

  test.each([
    ["nothing", {}],
    ["an empty header", { "retry-after": "" }],
    ["no time", { "retry-after": "later" }],
  ])("%s: undefined", (_name, headers) => {
    expect(parse(headers as Record<string, string>)).toBeUndefined();
  });

  test("more than a year is a year: no clock of a database goes further than it must", () => {
    expect(parse({ "retry-after": "1e300" })).toBe(366 * 86_400);
    expect(parse({ "retry-after-ms": "1e300" })).toBe(366 * 86_400);
  });
});
