// CONTRACT.md 3: GET /api/memories/:id/history.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { at, create, unique } from "../memories.ts";

interface Version {
  version: number | string;
  event: string;
  [field: string]: unknown;
}

/** The versions, newest first. */
async function history(id: string): Promise<Version[]> {
  const answer = await api<{ history: Version[] }>("GET", `/api/memories/${id}/history`);
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
  expect(Array.isArray(answer.body.history)).toBe(true);
  return answer.body.history;
}

describe("GET /api/memories/:id/history", () => {
  test("200 with every version, the newest first", async () => {
    const { id } = await create({ user_id: unique("history"), content: "Любит чай" });
    await api("PUT", `/api/memories/${id}`, { body: { content: "Любит зелёный чай" } });
    await api("PATCH", `/api/memories/${id}`, { body: { metadata: { since: 2020 } } });
    const versions = await history(id);
    expect(versions).toHaveLength(3);
    const numbers = versions.map((version) => Number(version.version));
    expect(numbers).toEqual([...numbers].sort((a, b) => b - a));
    expect(JSON.stringify(at(versions, 0))).toContain("2020");
    expect(JSON.stringify(at(versions, 1))).toContain("Любит зелёный чай");
    expect(JSON.stringify(at(versions, 2))).toContain("Любит чай");
    expect(JSON.stringify(at(versions, 2))).not.toContain("зелёный");
  });

  test("a memory that never changed has one version; a repetition adds none", async () => {
    const body = { user_id: unique("history"), content: "Любит чай" };
    const { id } = await create(body);
    await api("POST", "/api/memories", { body });
    expect(await history(id)).toHaveLength(1);
  });

  test("a version knows the request that made it", async () => {
    const requestId = unique("request");
    const body = { user_id: unique("history"), content: "Любит чай" };
    const created = await api<{ id: string }>("POST", "/api/memories", {
      body,
      headers: { "x-request-id": requestId },
    });
    expect(JSON.stringify(await history(created.body.id))).toContain(requestId);
  });

  test("the retirement of a slot's former value is a version", async () => {
    const userId = unique("history");
    const dark = await create({ user_id: userId, content: "Тема: тёмная", key: "theme" });
    const light = await create({ user_id: userId, content: "Тема: светлая", key: "theme" });
    const versions = await history(dark.id);
    expect(versions).toHaveLength(2);
    expect(JSON.stringify(versions[0])).toMatch(new RegExp(`${light.id}|superseded|retire`, "i"));
  });

  test("404 once the memory is deleted", async () => {
    const { id } = await create({ user_id: unique("history"), content: "Любит чай" });
    await api("DELETE", `/api/memories/${id}`);
    expect((await api("GET", `/api/memories/${id}/history`)).status).toBe(404);
  });
});
