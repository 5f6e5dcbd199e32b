// CONTRACT.md 1: the limits, each at its edge and one past it.
import { describe, expect, test } from "@jest/globals";
import { api, type ErrorBody, type Answer } from "../client.ts";
import { create, get, indexed, list, search, unique, type Memory } from "../memories.ts";

const kibibyte = 1024;
const userId = unique("limits");

/** Text of exactly `bytes` bytes of UTF-8, made of words. */
function textOf(bytes: number, seed: string): string {
  const line = `${seed} слово за словом, строка за строкой. `;
  let text = line.repeat(Math.floor(bytes / Buffer.byteLength(line)));
  text += "x".repeat(bytes - Buffer.byteLength(text));
  expect(Buffer.byteLength(text)).toBe(bytes);
  return text;
}

const post = (body: unknown): Promise<Answer<ErrorBody>> => api("POST", "/api/memories", { body });

describe("content", () => {
  test("201 at exactly 64 KiB, and it comes back whole", async () => {
    const content = textOf(64 * kibibyte, "ровно");
    const memory = await create({ user_id: userId, content });
    expect((await get(memory.id)).content).toBe(content);
    await indexed(memory);
  });

  test("201 for one word of 64 KiB", async () => {
    const memory = await create({ user_id: userId, content: "я".repeat(32 * kibibyte) });
    await indexed(memory);
  });

  test("413 at 64 KiB and one byte, whatever the number of characters", async () => {
    for (const content of [
      textOf(64 * kibibyte + 1, "больше"),
      "x".repeat(64 * kibibyte + 1),
      `${"я".repeat(32 * kibibyte)}x`,
    ]) {
      const answer = await post({ user_id: userId, content });
      expect(answer).toMatchObject({ status: 413, body: { error: expect.any(String), message: expect.any(String) } });
    }
  });

  test("413 when a PUT or a PATCH goes past it", async () => {
    const { id } = await create({ user_id: userId, content: "Любит чай" });
    for (const method of ["PUT", "PATCH"]) {
      const answer = await api(method, `/api/memories/${id}`, { body: { content: "x".repeat(64 * kibibyte + 1) } });
      expect(answer.status).toBe(413);
    }
  });
});

describe("body", () => {
  test("413 at 2 MB, on every route that takes one", async () => {
    const raw = JSON.stringify({ user_id: userId, content: "Любит чай", filler: "x".repeat(2_000_000) });
    for (const path of ["/api/memories", "/api/memories/search"]) {
      const answer = await api("POST", path, { raw, headers: { "content-type": "application/json" } });
      expect(answer).toMatchObject({
        status: 413,
        body: { error: expect.any(String), request_id: expect.any(String) },
      });
    }
  });

  test("the connection goes on after it", async () => {
    expect((await post({ user_id: userId, content: "После большого тела" })).status).toBe(201);
  });
});

describe("metadata", () => {
  test("201 within 16 KiB", async () => {
    const metadata = { note: "x".repeat(16 * kibibyte - 100) };
    expect((await create({ user_id: userId, content: "Много метаданных", metadata })).metadata).toEqual(metadata);
  });

  test("refused over 16 KiB", async () => {
    const answer = await post({
      user_id: userId,
      content: "Слишком много",
      metadata: { note: "x".repeat(16 * kibibyte) },
    });
    expect([400, 413]).toContain(answer.status);
    expect(answer.body.message).toContain("metadata");
  });

  test("a merge does not go past it either", async () => {
    const content = unique("Много слитых метаданных");
    await create({ user_id: userId, content, metadata: { a: "x".repeat(9 * kibibyte) } });
    const answer = await post({ user_id: userId, content, metadata: { b: "x".repeat(9 * kibibyte) } });
    expect(answer.status).toBeLessThan(500);
  });
});

describe("ids", () => {
  test("201 at 256 characters", async () => {
    const long = unique("id").padEnd(256, "я");
    await create({ user_id: long, session_id: long, agent_id: long, content: "Длинные имена" });
    expect((await list(long)).total).toBe(1);
  });

  test.each(["user_id", "session_id", "agent_id"])("400 when %s has 257 characters", async (field) => {
    const answer = await post({ user_id: userId, content: "Любит чай", [field]: "x".repeat(257) });
    expect(answer).toMatchObject({ status: 400, body: { error: "Bad Request" } });
    expect(JSON.stringify(answer.body)).toContain(field);
  });
});

describe("pages", () => {
  test("10 unless asked, at most 1,000", async () => {
    const owner = unique("limits");
    const memories = Array.from({ length: 12 }, (_, number) => ({ user_id: owner, content: `Запись номер ${number}` }));
    await api("POST", "/api/memories/bulk", { body: { memories } });
    expect((await search({ user_id: owner })).total).toBe(10);
    expect((await search({ user_id: owner, limit: 1000 })).total).toBe(12);
    expect((await list(owner)).memories).toHaveLength(10);
    expect((await list(owner, { limit: 1000 })).memories).toHaveLength(12);
  });
});

describe("special ids", () => {
  test.each(["a/b", "a b", "a?b#c", "../x", "%41", "пользователь", "🍵", "a+b@c.d", "'; DROP TABLE memories; --"])(
    "%s is a user like any other",
    async (name) => {
      const owner = `${unique("limits")}${name}`;
      const memory: Memory = await create({ user_id: owner, content: "Любит чай" });
      expect(await list(owner)).toMatchObject({ total: 1, memories: [{ id: memory.id, user_id: owner }] });
      expect((await search({ user_id: owner })).total).toBe(1);
    },
  );
});
