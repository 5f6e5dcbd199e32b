// CONTRACT.md 1: Idempotency-Key. The requests go round all APIs, so a retry mostly meets another process than the first.
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { api, type Answer, type ErrorBody } from "../client.ts";
import { names } from "../errors.ts";
import { at, create, get, list, search, unique, type Memory } from "../memories.ts";
import { target } from "../target.ts";

const AT_ONCE = 100;

/** A write under an Idempotency-Key. */
function keyed<Body = Memory>(key: string, method: string, path: string, body?: unknown, given: { key?: string } = {}) {
  return api<Body>(method, path, { body, headers: { "idempotency-key": key }, ...given });
}

const isReplay = ({ headers }: Answer<unknown>): boolean => headers.get("idempotency-replayed") === "true";
const event = (userId: string) => ({ user_id: userId, content: "Спросил о погоде", type: "interaction" });

/** The second answer is the first one's, byte for byte, and says so. */
function expectReplayed(first: Answer<unknown>, second: Answer<unknown>): void {
  expect([200, 201, 202]).toContain(first.status);
  expect(isReplay(first)).toBe(false);
  expect([second.status, second.text, isReplay(second)]).toEqual([first.status, first.text, true]);
}

describe("a write that is sent again", () => {
  test("POST: 201 again, byte for byte; one memory", async () => {
    const [userId, key] = [unique("again"), randomUUID()];
    const body = { ...event(userId), metadata: { z: 1, a: [1.5, "ё"] }, importance: 0.3, nonsense: 1 };
    const first = await keyed(key, "POST", "/api/memories", body);
    expect(first).toMatchObject({ status: 201, body: { seen_count: 1, warnings: [expect.any(String)] } });
    expectReplayed(first, await keyed(key, "POST", "/api/memories", body));
    expectReplayed(
      first,
      await keyed(key, "POST", "/api/memories", Object.fromEntries(Object.entries(body).toReversed())),
    );
    expect((await list(userId)).total).toBe(1);
  });

  test("POST of what was known: 200 and duplicate again, counted once", async () => {
    const [userId, key] = [unique("again"), randomUUID()];
    const body = { user_id: userId, content: "Любит чай" };
    await create(body);
    const first = await keyed(key, "POST", "/api/memories", body);
    expect(first).toMatchObject({ status: 200, body: { duplicate: true, seen_count: 2 } });
    expectReplayed(first, await keyed(key, "POST", "/api/memories", body));
    expect((await list(userId)).memories).toMatchObject([{ seen_count: 2 }]);
  });

  test("POST shows what was answered, though the memory has changed since", async () => {
    const [userId, key] = [unique("again"), randomUUID()];
    const first = await keyed(key, "POST", "/api/memories", event(userId));
    await api("PATCH", `/api/memories/${first.body.id}`, { body: { content: "Спросил о снеге" } });
    expectReplayed(first, await keyed(key, "POST", "/api/memories", event(userId)));
    expect((await get(first.body.id)).content).toBe("Спросил о снеге");
  });

  test.each(["PUT", "PATCH"])("%s: the same answer, one version", async (method) => {
    const { id } = await create({ ...event(unique("again")), metadata: { a: 1 } });
    const key = randomUUID();
    const body = { content: "Спросил о снеге", metadata: { b: 2 } };
    const first = await keyed(key, method, `/api/memories/${id}`, body);
    expect(first.status).toBe(200);
    expectReplayed(first, await keyed(key, method, `/api/memories/${id}`, body));
    const history = await api<{ history: unknown[] }>("GET", `/api/memories/${id}/history`);
    expect(history.body.history).toHaveLength(2);
  });

  test("DELETE: 200 again instead of 404", async () => {
    const { id } = await create(event(unique("again")));
    const key = randomUUID();
    expectReplayed(
      await keyed(key, "DELETE", `/api/memories/${id}`),
      await keyed(key, "DELETE", `/api/memories/${id}`),
    );
    expect((await api("DELETE", `/api/memories/${id}`)).status).toBe(404);
  });

  test("DELETE by user: the same count, and what was written since stays", async () => {
    const [userId, key] = [unique("again"), randomUUID()];
    await create(event(userId));
    await create(event(userId));
    const first = await keyed(key, "DELETE", `/api/memories/user/${userId}`);
    expect(first.body).toEqual({ success: true, deleted: 2 });
    await create(event(userId));
    expectReplayed(first, await keyed(key, "DELETE", `/api/memories/user/${userId}`));
    expect((await list(userId)).total).toBe(1);
  });

  test("bulk: the same results, each item once; they outlive the memories", async () => {
    const [userId, key] = [unique("again"), randomUUID()];
    const memories = [event(userId), event(userId), { user_id: userId }, { ...event(userId), typo: 1 }];
    const first = await keyed<{ results: { id: string }[] }>(key, "POST", "/api/memories/bulk", { memories });
    expect(first).toMatchObject({ status: 200, body: { created: 3, failed: 1, warnings: [expect.any(String)] } });
    expectReplayed(first, await keyed(key, "POST", "/api/memories/bulk", { memories }));
    expect((await list(userId)).total).toBe(3);
    await api("DELETE", `/api/memories/${at(first.body.results, 0).id}`);
    expectReplayed(first, await keyed(key, "POST", "/api/memories/bulk", { memories }));
    expect((await list(userId)).total).toBe(2);
  });

  test.each([
    ["/api/jobs/retry", { all: true }],
    ["/api/jobs/reconcile", { dry_run: true }],
  ])("POST %s: the same answer", async (path, body) => {
    const key = randomUUID();
    expectReplayed(await keyed(key, "POST", path, body), await keyed(key, "POST", path, body));
  });

  test("wait: the first answer says indexed, and so does every other", async () => {
    const [userId, key] = [unique("again"), randomUUID()];
    const body = { ...event(userId), wait: true };
    const first = await keyed(key, "POST", "/api/memories", body);
    expect(first.body.index_status).toBe("indexed");
    expectReplayed(first, await keyed(key, "POST", "/api/memories", body));
  });

  test("without wait it goes on saying what it said, though the memory has been indexed since", async () => {
    const [userId, key] = [unique("again"), randomUUID()];
    const first = await keyed(key, "POST", "/api/memories", event(userId));
    await keyed(randomUUID(), "PATCH", `/api/memories/${first.body.id}`, { importance: 1, wait: true });
    expect((await get(first.body.id)).index_status).toBe("indexed");
    expectReplayed(first, await keyed(key, "POST", "/api/memories", event(userId)));
  });
});

describe("what a key does not do", () => {
  test.each([
    ["another body", "POST", "/api/memories", { content: "Спросил о снеге" }],
    ["another path", "POST", "/api/memories/bulk", { memories: [] }],
    ["another method", "DELETE", "/api/memories/user/nobody", undefined],
  ])("422 for %s, naming the header; nothing is written", async (_what, method, path, body) => {
    const [userId, key] = [unique("misused"), randomUUID()];
    await keyed(key, "POST", "/api/memories", event(userId));
    const other = body !== undefined && "content" in body ? { ...event(userId), ...body } : body;
    const answer = await keyed<ErrorBody>(key, method, path, other);
    expect(answer).toMatchObject({ status: 422, body: { error: "Unprocessable Entity" } });
    expect(names(answer.body, "Idempotency-Key")).toBe(true);
    expect((await list(userId)).total).toBe(1);
  });

  test.each(["", "é", "k".repeat(256)])("400 for a key that is none (%#), naming the header", async (key) => {
    const userId = unique("misused");
    const answer = await keyed<ErrorBody>(key, "POST", "/api/memories", event(userId));
    expect(answer).toMatchObject({ status: 400, body: { error: "Bad Request" } });
    expect(names(answer.body, "Idempotency-Key")).toBe(true);
    expect((await list(userId)).total).toBe(0);
  });

  test("255 printable characters are a key", async () => {
    const key = `${randomUUID()} ~"${"k".repeat(255)}`.slice(0, 255);
    const userId = unique("misused");
    const first = await keyed(key, "POST", "/api/memories", event(userId));
    expectReplayed(first, await keyed(key, "POST", "/api/memories", event(userId)));
  });

  test("what has failed is not kept: mended, it goes through under the same key", async () => {
    const [userId, key] = [unique("mended"), randomUUID()];
    expect((await keyed(key, "POST", "/api/memories", { user_id: userId })).status).toBe(400);
    const answer = await keyed(key, "POST", "/api/memories", event(userId));
    expect([answer.status, isReplay(answer)]).toEqual([201, false]);
    const absent = `/api/memories/mem_${"0".repeat(26)}`;
    const [first, second] = [randomUUID(), randomUUID()];
    for (const again of [first, first]) expect((await keyed(again, "DELETE", absent)).status).toBe(404);
    for (const again of [second, second]) expect((await keyed(again, "PATCH", absent, {})).status).toBe(404);
  });

  test("404 for what has been deleted since, saying so; the retry does not bring it back", async () => {
    const [userId, key] = [unique("deleted"), randomUUID()];
    const { body } = await keyed(key, "POST", "/api/memories", event(userId));
    await keyed(key.toUpperCase(), "PATCH", `/api/memories/${body.id}`, { content: "Спросил о снеге" });
    await api("DELETE", `/api/memories/${body.id}`);
    const answer = await keyed<ErrorBody>(key, "POST", "/api/memories", event(userId));
    expect(answer).toMatchObject({
      status: 404,
      body: { error: "Not Found", message: expect.stringMatching(/deleted/) },
    });
    const patched = await keyed(key.toUpperCase(), "PATCH", `/api/memories/${body.id}`, { content: "Спросил о снеге" });
    expect(patched.status).toBe(404);
    expect((await list(userId)).total).toBe(0);
  });

  (target.secondKey === "" ? test.skip : test)("it belongs to the holder of the API key", async () => {
    const [userId, key] = [unique("holder"), randomUUID()];
    const first = await keyed(key, "POST", "/api/memories", event(userId));
    const other = await keyed(key, "POST", "/api/memories", event(userId), { key: target.secondKey });
    expect([other.status, isReplay(other)]).toEqual([201, false]);
    expect(other.body.id).not.toBe(first.body.id);
  });

  test("a search takes no notice of it", async () => {
    const userId = unique("search");
    const key = randomUUID();
    await create(event(userId));
    for (const query of ["погода", "снег"]) {
      const answer = await keyed<ErrorBody>(key, "POST", "/api/memories/search", { user_id: userId, query });
      expect([answer.status, isReplay(answer)]).toEqual([200, false]);
    }
  });
});

describe(`${AT_ONCE} at once`, () => {
  const manyTimes = <T>(send: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: AT_ONCE }, send));

  test("with a key: one effect, equal answers", async () => {
    const [userId, key] = [unique("once"), randomUUID()];
    const answers = await manyTimes(() => keyed(key, "POST", "/api/memories", event(userId)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers.filter((answer) => !isReplay(answer))).toHaveLength(1);
    expect((await list(userId)).memories).toMatchObject([{ id: at(answers, 0).body.id, seen_count: 1 }]);
  });

  test("with a key and wait: equal answers, indexed", async () => {
    const [userId, key] = [unique("once"), randomUUID()];
    const answers = await manyTimes(() => keyed(key, "POST", "/api/memories", { ...event(userId), wait: true }));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(at(answers, 0).body.index_status).toBe("indexed");
  });

  test("without a key: one memory, seen as often, new once", async () => {
    const userId = unique("once");
    const body = { user_id: userId, content: "Любит чай" };
    const answers = await manyTimes(() => api<Memory>("POST", "/api/memories", { body }));
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(AT_ONCE - 1);
    expect((await list(userId)).memories).toMatchObject([{ seen_count: AT_ONCE }]);
    expect((await search({ user_id: userId })).total).toBe(1);
  });

  test("equal bulks and equal deletes by user are one each", async () => {
    const [userId, key] = [unique("once"), randomUUID()];
    const memories = Array.from({ length: 5 }, () => event(userId));
    const send = () => keyed(key, "POST", "/api/memories/bulk", { memories });
    const answers = await Promise.all(Array.from({ length: 20 }, send));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect((await list(userId)).total).toBe(5);
    const remove = () => keyed<{ deleted: number }>(`${key} all`, "DELETE", `/api/memories/user/${userId}`);
    const removed = await Promise.all(Array.from({ length: 20 }, remove));
    expect(removed.map(({ body }) => body.deleted)).toEqual(Array<number>(20).fill(5));
  });
});

describe("GET /openapi.json", () => {
  test("names the header on every write, with its statuses", async () => {
    interface Operation {
      parameters?: { name: string; in: string }[];
      responses: Record<string, unknown>;
    }
    const { body } = await api<{ paths: Record<string, Record<string, Operation>> }>("GET", "/openapi.json");
    const operations = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );
    const takesKey = operations.filter(({ operation }) =>
      operation.parameters?.some(({ name }) => name === "Idempotency-Key"),
    );
    expect(takesKey.map(({ method, path }) => `${method} ${path}`)).toEqual(
      expect.arrayContaining(["post /api/memories", "post /api/memories/bulk", "delete /api/memories/user/{user_id}"]),
    );
    expect(takesKey.filter(({ method }) => method === "get")).toEqual([]);
    for (const { operation } of takesKey)
      expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(["409", "422"]));
  });
});
