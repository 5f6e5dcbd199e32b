import { describe, expect, test } from "@jest/globals";
import type { Request } from "express";
import { canonicalJson, keyedWrite } from "./keyed-write.ts";
import { ROUTES } from "./routes/index.ts";

const holder = { projectId: "p", name: "one" };
const request = (key: string | undefined, given: Partial<Request> = {}): Request =>
  ({
    method: "POST",
    originalUrl: "/api/memories",
    body: { user_id: "u", content: "c" },
    get: () => key,
    ...given,
  }) as unknown as Request;

describe("keyedWrite", () => {
  test("without the header there is none", () => {
    expect(keyedWrite(request(undefined), holder)).toBeUndefined();
  });

  test.each(["", "é", "a\tb", "\u007f", "k".repeat(256)])("%p is no key: invalid, naming the header", (key) => {
    expect(() => keyedWrite(request(key), holder)).toThrow(
      expect.objectContaining({ code: "invalid", details: [expect.objectContaining({ field: "Idempotency-Key" })] }),
    );
  });

  test.each(["k", " ~", "k".repeat(255)])("%p is a key", (key) => {
    expect(keyedWrite(request(key), holder)).toMatchObject({ key: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  test("the same request is the same, whatever the order of its fields", () => {
    const again = request("k", { body: { content: "c", user_id: "u" } });
    expect(keyedWrite(again, holder)).toEqual(keyedWrite(request("k"), holder));
  });

  test.each<[string, Partial<Request>]>([
    ["method", { method: "PUT" }],
    ["path", { originalUrl: "/api/memories/mem_1" }],
    ["query", { originalUrl: "/api/memories?type=fact" }],
    ["body", { body: { user_id: "u", content: "d" } }],
  ])("another %s is another request under the same key", (_what, given) => {
    const [first, other] = [keyedWrite(request("k"), holder), keyedWrite(request("k", given), holder)];
    expect(other?.key).toBe(first?.key);
    expect(other?.request).not.toBe(first?.request);
  });

  test("a key belongs to its holder and its project", () => {
    const keys = [holder, { ...holder, name: "two" }, { ...holder, projectId: "q" }].map(
      (one) => keyedWrite(request("k"), one)?.key,
    );
    expect(new Set(keys).size).toBe(3);
  });

  test("neither the key nor the body can be told from the digests without the key", () => {
    const [one, two] = [keyedWrite(request("k1"), holder), keyedWrite(request("k2"), holder)];
    expect(one?.request).not.toBe(two?.request);
  });
});

describe("canonicalJson", () => {
  test.each<[unknown, unknown]>([
    [{ a: [1, 2] }, { a: [[1, 2]] }],
    [[["a"], "b"], [["a", "b"]]],
    [{ a: { b: 1 } }, { a: {}, b: 1 }],
    [{ a: 1 }, ["a", 1]],
    ["1", 1],
    [{ a: null }, {}],
    [undefined, null],
    ["a,b", ["a", "b"]],
  ])("%j and %j differ", (a, b) => {
    expect(canonicalJson(a)).not.toBe(canonicalJson(b));
  });

  test("takes any depth that a body can have", () => {
    const depth = 400_000;
    const deep: unknown = JSON.parse("[".repeat(depth) + "]".repeat(depth));
    expect(canonicalJson(deep)).toHaveLength(depth * 3 - 2 + 1);
  });
});

test("every route that writes takes the header; those that read do not", () => {
  const reads = (path: string): boolean => path.endsWith("/search") || path === "/api/context";
  for (const { method, path, idempotent } of ROUTES)
    expect({ path, idempotent: idempotent === true }).toEqual({ path, idempotent: method !== "get" && !reads(path) });
});
