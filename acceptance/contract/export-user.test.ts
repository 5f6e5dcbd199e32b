// CONTRACT.md 3: GET /api/users/:user_id/export, everything that is kept on a person.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { expectError, names } from "../errors.ts";
import { create, get, memoryFields, unique, type Memory } from "../memories.ts";

interface Version {
  memory_id: string;
  version: number;
  ended_by: string;
  memory: Memory | null;
}

interface Document {
  user_id: string;
  exported_at: string;
  memories: Memory[];
  history: Version[];
  counts: { memories: number; history: number; messages: number };
  complete: boolean;
}

const exportOf = (userId: string, query = "") => api("GET", `/api/users/${encodeURIComponent(userId)}/export${query}`);

async function fill(): Promise<{ userId: string; dark: Memory; light: Memory }> {
  const userId = unique("export");
  const dark = await create({
    user_id: userId,
    content: "Тёмная тема",
    key: "theme",
    metadata: { source: ["a", { b: "ё" }] },
  });
  const light = await create({ user_id: userId, content: "Светлая тема", key: "theme" });
  const gone = await create({ user_id: userId, content: "Удалённое" });
  await api("PUT", `/api/memories/${light.id}`, { body: { content: "Светлая тема, крупный шрифт" } });
  await api("DELETE", `/api/memories/${gone.id}`);
  await create({ user_id: unique("export"), content: "Чужое" });
  return { userId, dark, light };
}

function expectWhole(
  { memories, history, counts }: Document,
  { userId, dark, light }: Awaited<ReturnType<typeof fill>>,
): void {
  expect(memories.map((memory) => memory.id).sort()).toEqual([dark.id, light.id].sort());
  for (const memory of memories) {
    for (const field of memoryFields) expect(memory).toHaveProperty(field);
    expect(memory).toMatchObject({
      user_id: userId,
      session_ids: [],
      agent_ids: [],
      provenance: {},
      source_message_ids: [],
    });
    expect(memory).toHaveProperty("last_seen_at");
  }
  expect(memories.find((memory) => memory.id === dark.id)).toMatchObject({
    superseded_by: light.id,
    metadata: { source: ["a", { b: "ё" }] },
  });
  expect(history.map((line) => line.ended_by).sort()).toEqual(["deleted", "superseded", "updated"]);
  expect(history.find((line) => line.ended_by === "updated")).toMatchObject({
    memory_id: light.id,
    memory: { content: "Светлая тема" },
  });
  expect(history.find((line) => line.ended_by === "deleted")?.memory).toBeNull();
  expect(counts).toEqual({ memories: 2, history: 3, messages: 0 });
}

describe("GET /api/users/:user_id/export", () => {
  test("one JSON document: memories, retired ones too, and every earlier version", async () => {
    const filled = await fill();
    const answer = await exportOf(filled.userId);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
    expect(answer.headers.get("content-disposition")).toMatch(/^attachment; filename=/);
    const document = answer.body as unknown as Document;
    expect(document).toMatchObject({ user_id: filled.userId, complete: true });
    expectWhole(document, filled);
    const shown = await get(filled.light.id);
    expect(document.memories.find((memory) => memory.id === shown.id)).toMatchObject({
      ...shown,
      index_status: expect.any(String),
    });
  });

  test("format=ndjson: the same in lines, the last of which says that it is whole", async () => {
    const filled = await fill();
    const answer = await exportOf(filled.userId, "?format=ndjson");
    expect(answer.headers.get("content-type")).toMatch(/^application\/x-ndjson/);
    const lines = answer.text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { kind: string });
    const of = <Line>(kind: string) => lines.filter((line) => line.kind === kind) as unknown as Line[];
    expect(lines[0]).toMatchObject({ kind: "export", user_id: filled.userId });
    expect(lines.at(-1)).toMatchObject({ kind: "end", complete: true });
    const { counts } = lines.at(-1) as unknown as Document;
    expectWhole({ memories: of<Memory>("memory"), history: of<Version>("version"), counts } as Document, filled);
  });

  test("a person of whom nothing is kept has an empty document, whatever the id", async () => {
    const userId = `${unique("export")} /?#%"'\\ Ёжик 😀`;
    const document = (await exportOf(userId)).body as unknown as Document;
    expect(document).toMatchObject({
      user_id: userId,
      memories: [],
      history: [],
      messages: [],
      counts: { memories: 0, history: 0, messages: 0 },
      complete: true,
    });
  });

  test("more than one page", async () => {
    const userId = unique("export");
    const memories = Array.from({ length: 700 }, (_, n) => ({ user_id: userId, content: `Факт номер ${n}` }));
    expect((await api("POST", "/api/memories/bulk", { body: { memories } })).status).toBe(200);
    const document = (await exportOf(userId)).body as unknown as Document;
    expect(new Set(document.memories.map((memory) => memory.content)).size).toBe(700);
    expect(document.counts).toEqual({ memories: 700, history: 0, messages: 0 });
  });

  test.each([
    ["format=xml", "format"],
    ["format=", "format"],
    ["format=JSON", "format"],
    ["type=fact", "type"],
  ])("400 for ?%s, naming the field", async (query, field) => {
    const answer = await exportOf(unique("export"), `?${query}`);
    expectError(answer, 400);
    expect(names(answer.body, field)).toBe(true);
    expect(answer.headers.get("content-disposition")).toBeNull();
  });

  test("405 with Allow for another method", async () => {
    const answer = await api("DELETE", `/api/users/${unique("export")}/export`);
    expectError(answer, 405);
    expect(answer.headers.get("allow")).toBe("GET, HEAD");
  });
});
