// Guide, chapter 2 "Проверка установки", chapter 4 "Проверка статуса API", and the answers its trouble-shooting chapter shows.
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { timePattern } from "../memories.ts";

describe("GET /api/health", () => {
  test("200 without a key: status, version and time", async () => {
    const answer = await api<{ status: string; version: string; timestamp: string }>("GET", "/api/health", {
      key: null,
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ status: "ok", version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    expect(answer.body.timestamp).toMatch(timePattern);
    expect(Math.abs(Date.parse(answer.body.timestamp) - Date.now())).toBeLessThan(60_000);
  });

  test("200 with the right key", async () => {
    expect((await api("GET", "/api/health")).status).toBe(200);
  });

  test("401 with a wrong key, as in the guide", async () => {
    const answer = await api("GET", "/api/health", { key: "YOUR_MEM0_API_KEY" });
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ error: "Unauthorized", message: "Invalid API key" });
  });
});

describe("HEAD /api/health", () => {
  test("200 without a body (curl -I)", async () => {
    const answer = await api("HEAD", "/api/health", { key: null });
    expect(answer.status).toBe(200);
    expect(answer.text).toBe("");
  });
});

describe("POST /api/memories", () => {
  test("401 with a wrong key, as in the guide", async () => {
    const body = { user_id: "user123", content: "Тестовое воспоминание", type: "fact" };
    const answer = await api("POST", "/api/memories", { key: "YOUR_MEM0_API_KEY", body });
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ error: "Unauthorized", message: "Invalid API key" });
  });

  test("400 when user_id is missing, as in the guide", async () => {
    const answer = await api("POST", "/api/memories", { body: { content: "Тестовое воспоминание", type: "fact" } });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ error: "Bad Request", message: "Missing required field: user_id" });
  });
});
