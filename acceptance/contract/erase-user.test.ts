// CONTRACT.md 3: DELETE /api/users/:user_id and GET /api/erasures/:id, a person erased and the proof of it.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { api } from "../client.ts";
import { expectError, names } from "../errors.ts";
import { absentId, contents, create, get, indexed, list, search, unique, type Memory } from "../memories.ts";
import { erase, erased, prove } from "../people.ts";
import { target } from "../target.ts";

const absentErasure = absentId.replace("mem_", "era_");

/** One memory of each kind, with a history, all in the index. */
async function fill(prefix: string): Promise<{ userId: string; memories: Memory[] }> {
  const userId = unique(prefix);
  const memories = [
    await create({ user_id: userId, content: `Любит зелёный чай ${userId}` }),
    await create({ user_id: userId, content: "Сегодня спешит", level: "session", session_id: "s1" }),
    await create({ user_id: userId, content: "Отвечать кратко", level: "agent", agent_id: unique("agent") }),
    await create({ user_id: userId, content: "Тёмная тема", type: "preference", key: "theme" }),
    await create({ user_id: userId, content: "Светлая тема", type: "preference", key: "theme" }),
  ];
  await api("PATCH", `/api/memories/${memories[0]?.id}`, { body: { metadata: { cup: "большая" } } });
  await indexed(...memories);
  return { userId, memories };
}

async function expectNothingOf(userId: string, memories: Memory[]): Promise<void> {
  for (const { id } of memories) {
    expectError(await api("GET", `/api/memories/${id}`), 404);
    expectError(await api("GET", `/api/memories/${id}/history`), 404);
    expectError(await api("PATCH", `/api/memories/${id}`, { body: { importance: 1 } }), 404);
    expectError(await api("DELETE", `/api/memories/${id}`), 404);
  }
  expect(await list(userId)).toMatchObject({ memories: [], total: 0 });
  for (const query of ["зелёный чай", "Что он пьёт?", "Какая тема?"])
    for (const scope of [{}, { session_id: "s1" }, { scope: "exact" }])
      expect(contents(await search({ user_id: userId, query, limit: 100, ...scope }))).toEqual([]);
  expect(contents(await search({ user_id: userId }))).toEqual([]);
  const { text } = await api("GET", `/api/users/${userId}/export`);
  expect(JSON.parse(text)).toMatchObject({ memories: [], history: [], complete: true });
}

describe("DELETE /api/users/:user_id", () => {
  test("202 with a receipt: nothing of the person is in any answer from then on, and soon nothing in any store", async () => {
    const { userId, memories } = await fill("erase");
    const answer = await api("DELETE", `/api/users/${userId}`);
    await expectNothingOf(userId, memories);
    expect(answer.status).toBe(202);
    const receipt = answer.body as unknown as Awaited<ReturnType<typeof erase>>;
    expect(receipt).toMatchObject({ status: "running", completed_at: null, erased: { memories: 5 } });
    expect(receipt.erasure_id).toMatch(/^era_[0-9a-z]{26}$/);
    expect(receipt.proof).toBe(`/api/erasures/${receipt.erasure_id}`);
    expect(answer.headers.get("location")).toBe(receipt.proof);

    const proof = await erased(receipt.erasure_id);
    expect(proof).toMatchObject({ id: receipt.erasure_id, erased: receipt.erased, requested_at: receipt.requested_at });
    expect(proof.left).toMatchObject({ memories: 0, history: 0, jobs: 0, vectors: 0 });
    expect(Object.values(proof.left).every((left) => left === 0)).toBe(true);
    expect(Date.parse(proof.completed_at ?? "")).toBeGreaterThanOrEqual(Date.parse(proof.requested_at));
    expect(JSON.stringify(proof)).not.toContain(userId);
    await expectNothingOf(userId, memories);
  });

  test("others keep what they have", async () => {
    const [mine, other] = [await fill("erase"), await fill("bystander")];
    await erased((await erase(mine.userId)).erasure_id);
    expect((await list(other.userId)).total).toBe(4);
    expect(await search({ user_id: other.userId, query: "зелёный чай" })).toMatchObject({
      memories: expect.arrayContaining([expect.objectContaining({ user_id: other.userId })]),
    });
    const history = await api("GET", `/api/memories/${other.memories[0]?.id}/history`);
    expect(history.body).toMatchObject({ history: [{ event: "updated" }, { event: "created" }] });
  });

  test("whoever comes back begins anew: the same words are a new memory, and no part of the proof", async () => {
    const { userId, memories } = await fill("erase");
    const { erasure_id } = await erase(userId);
    const again = await create({ user_id: userId, content: memories[0]?.content });
    expect(memories.map((memory) => memory.id)).not.toContain(again.id);
    expect(again).toMatchObject({ seen_count: 1, metadata: {} });
    const proof = await erased(erasure_id);
    expect(Object.values(proof.left).every((left) => left === 0)).toBe(true);
    await indexed(again);
    expect((await list(userId)).total).toBe(1);
    expect((await get(again.id)).content).toBe(again.content);
  });

  test("a write that is sent again with its Idempotency-Key gets no content back, and writes nothing", async () => {
    const userId = unique("erase");
    const options = {
      body: { user_id: userId, content: "Сказано однажды" },
      headers: { "idempotency-key": unique("key") },
    };
    expect((await api("POST", "/api/memories", options)).status).toBe(201);
    await erased((await erase(userId)).erasure_id);
    const again = await api("POST", "/api/memories", options);
    expect(again.text).not.toContain("Сказано");
    expect(await list(userId)).toMatchObject({ total: 0 });
  });

  test("sent again with its Idempotency-Key: the same receipt, and nothing that was written since is erased", async () => {
    const userId = unique("erase");
    await create({ user_id: userId, content: "Прежнее" });
    const headers = { "idempotency-key": unique("key") };
    const first = await api("DELETE", `/api/users/${userId}`, { headers });
    await create({ user_id: userId, content: "Новое" });
    const second = await api("DELETE", `/api/users/${userId}`, { headers });
    expect({ status: second.status, text: second.text }).toEqual({ status: 202, text: first.text });
    expect(second.headers.get("location")).toBe(first.headers.get("location"));
    expect(contents(await list(userId))).toEqual(["Новое"]);
    const atOnce = await Promise.all(
      [1, 2, 3].map(() =>
        api("DELETE", `/api/users/${userId}`, { headers: { "idempotency-key": `${userId}-at-once` } }),
      ),
    );
    expect(new Set(atOnce.map((answer) => answer.text)).size).toBe(1);
  });

  test("a person of whom nothing is kept, and one with an odd id, are erased like any other", async () => {
    const odd = `${unique("erase")} /?#%"'\\ Ёжик 😀`;
    await create({ user_id: odd, content: "Странное имя" });
    expect((await erase(odd)).erased).toMatchObject({ memories: 1 });
    const second = await erase(odd);
    expect(second.erased).toEqual({ messages: 0, events: 0, memories: 0, history: 0, answers: 0 });
    expect((await erased(second.erasure_id)).status).toBe("done");
  });

  test("a filter would erase more than it says: 400, and nothing is erased", async () => {
    const userId = unique("erase");
    await create({ user_id: userId, content: "Остаётся" });
    const answer = await api("DELETE", `/api/users/${userId}?type=preference`);
    expectError(answer, 400);
    expect(names(answer.body, "type")).toBe(true);
    expect((await list(userId)).total).toBe(1);
  });

  test("400 for an id that is no text", async () => {
    const answer = await api("DELETE", "/api/users/a%00b");
    expectError(answer, 400);
    expect(names(answer.body, "user_id")).toBe(true);
  });

  test("405 with Allow for another method", async () => {
    const answer = await api("POST", `/api/users/${unique("erase")}`, { body: {} });
    expectError(answer, 405);
    expect(answer.headers.get("allow")).toBe("DELETE");
  });
});

describe("GET /api/erasures/:id", () => {
  test("404 for an id that nothing has, in the same words whether unknown or malformed", async () => {
    const unknown = await api("GET", `/api/erasures/${absentErasure}`);
    expectError(unknown, 404);
    for (const id of [absentId, "era_", "nonsense", "42", `${absentErasure}0`, "%00", "x".repeat(2_000)]) {
      const answer = await api("GET", `/api/erasures/${id}`);
      expectError(answer, 404);
      expect({ ...answer.body, request_id: "" }).toEqual({ ...unknown.body, request_id: "" });
    }
  });

  test("405 with Allow for another method", async () => {
    const answer = await api("DELETE", `/api/erasures/${absentErasure}`);
    expectError(answer, 405);
    expect(answer.headers.get("allow")).toBe("GET, HEAD");
  });
});

// Only where a PostgreSQL client can reach the database; the embedded one lives inside the service's process.
(target.databaseUrl === undefined ? describe.skip : describe)("the stores themselves, after an erasure", () => {
  const client = new pg.Client({ connectionString: target.databaseUrl });
  beforeAll(() => client.connect());
  afterAll(() => client.end());

  test("no table of the database has the person's id or words, and the index none of the points", async () => {
    const { userId, memories } = await fill("erase");
    const rows = await client.query<{ id: string }>("SELECT id FROM memories WHERE user_id = $1", [userId]);
    const ids = rows.rows.map((row) => row.id);
    expect(ids).toHaveLength(5);
    await api("DELETE", `/api/memories/${memories[1]?.id}`);
    const { erasure_id } = await erase(userId);
    await erased(erasure_id);

    const tables = await client.query<{ name: string }>(
      "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('public', 'engram')",
    );
    for (const { name } of tables.rows) {
      const held = await client.query(
        `SELECT 1 FROM ${name} t WHERE to_jsonb(t)::text LIKE '%' || $1 || '%' OR EXISTS (SELECT FROM unnest($2::text[]) i WHERE to_jsonb(t)::text LIKE '%' || i || '%')`,
        [userId, ids],
      );
      expect({ name, rows: held.rowCount }).toEqual({ name, rows: 0 });
    }
    // Vectors that lie in the database were among its tables.
    if (target.qdrantUrl === undefined) return;
    const response = await fetch(`${target.qdrantUrl}/collections/${target.collection}/points`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ids, with_payload: false, with_vector: false }),
    });
    expect(((await response.json()) as { result: unknown[] }).result).toEqual([]);
  });

  test("DELETE FROM memories WHERE user_id = '…' in psql, and then an erasure: the empty lines go too", async () => {
    const { userId, memories } = await fill("erase");
    await client.query(`DELETE FROM memories WHERE user_id = '${userId}'`);
    await expectNothingOfButLines(userId, memories.length);
    const { erasure_id, erased: counts } = await erase(userId);
    expect(counts).toMatchObject({ memories: 0 });
    expect(counts["history"]).toBeGreaterThanOrEqual(memories.length);
    expect(Object.values((await erased(erasure_id)).left).every((left) => left === 0)).toBe(true);
  });

  async function expectNothingOfButLines(userId: string, atLeast: number): Promise<void> {
    expect(await list(userId)).toMatchObject({ total: 0 });
    const { text } = await api("GET", `/api/users/${userId}/export`);
    const document = JSON.parse(text) as { memories: unknown[]; history: { memory: unknown }[] };
    expect(document.memories).toEqual([]);
    expect(document.history.length).toBeGreaterThanOrEqual(atLeast);
    expect(document.history.every((line) => line.memory === null)).toBe(true);
  }

  test("the proof of the past and of the running reads the same", async () => {
    const { erasure_id } = await erase(unique("erase"));
    const running = await prove(erasure_id);
    expect(Object.keys((await erased(erasure_id)).left)).toEqual(Object.keys(running.left));
  });
});
