// CONTRACT.md 1 and the house's rule: logs are JSON, carry the request id all the way, and never content or keys.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { search, unique, type Memory } from "../memories.ts";
import { target, type TargetProcess } from "../target.ts";
import { until } from "../until.ts";

const linesOf = (of: TargetProcess): string[] =>
  readFileSync(of.stdout, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "");

/** Everything that all processes have written so far. */
const everything = (): string =>
  target.processes.flatMap((of) => [readFileSync(of.stdout, "utf8"), readFileSync(of.stderr, "utf8")]).join("\n");

(target.processes.length === 0 ? describe.skip : describe)("logs", () => {
  test("one write is told with its request id by the API and by the worker", async () => {
    const requestId = unique("request");
    const answer = await api<Memory>("POST", "/api/memories", {
      body: { user_id: unique("logs"), content: "Любит чай", wait: true },
      headers: { "x-request-id": requestId },
    });
    expect(answer.body.index_status).toBe("indexed");
    const told = (role: TargetProcess["role"]): string[] =>
      target.processes
        .filter((of) => of.role === role || of.role === "all-in-one")
        .flatMap((of) => linesOf(of).filter((line) => line.includes(requestId)));
    await until("the API to tell of the write", () => told("api").length > 0);
    // In one process both parts write to one log: one line of the request, another one of the work that it caused.
    const least = target.kind === "embedded" ? 2 : 1;
    const lines = await until(
      "the worker to tell of the write",
      () => told("worker").length >= least && told("worker"),
    );
    for (const line of lines) expect(JSON.parse(line)).toEqual(expect.any(Object));
  });

  test("every line is a JSON object with a level and a message", () => {
    for (const of of target.processes) {
      const lines = linesOf(of);
      expect(lines.length).toBeGreaterThan(0);
      // The last line may be half written.
      for (const line of lines.slice(0, -1)) {
        expect(JSON.parse(line)).toMatchObject({ level: expect.anything(), msg: expect.any(String) });
      }
    }
  });

  test("content, metadata, queries and keys are never in them", async () => {
    const canary = () => unique("canary").replaceAll("-", "");
    const secrets = {
      content: canary(),
      metadata: canary(),
      query: canary(),
      bad: canary(),
      changed: canary(),
      wrongKey: canary(),
    };
    const requestId = unique("request");
    const headers = { "x-request-id": requestId };
    const userId = unique("logs");
    const created = await api<Memory>("POST", "/api/memories", {
      headers,
      body: { user_id: userId, content: `Секрет ${secrets.content}`, metadata: { note: secrets.metadata }, wait: true },
    });
    expect(created.status).toBe(201);
    await search({ user_id: userId, query: `Секрет ${secrets.query}` });
    await api("PUT", `/api/memories/${created.body.id}`, {
      headers,
      body: { content: `Секрет ${secrets.changed}`, wait: true },
    });
    await api("POST", "/api/memories", { headers, body: { user_id: userId, content: { text: secrets.bad } } });
    await api("POST", "/api/memories", { headers, raw: `{"content": "${secrets.bad}`, key: target.key });
    await api("POST", "/api/memories", {
      headers: { "content-type": "application/json" },
      raw: `{"content": "${secrets.bad}`,
    });
    await api("GET", "/api/health", { key: secrets.wrongKey });
    await api("GET", "/api/health", { key: null, headers: { "x-api-key": secrets.wrongKey } });
    await api("DELETE", `/api/memories/${created.body.id}`, { headers });
    const last = unique("request");
    await api("GET", `/api/memories/user/${userId}`, { headers: { "x-request-id": last } });
    await until("the log to have caught up", () => everything().includes(last));

    const text = everything();
    for (const [what, secret] of Object.entries(secrets))
      expect({ what, found: text.includes(secret) }).toEqual({ what, found: false });
    expect(text.includes(target.key)).toBe(false);
    expect(text.includes(target.secondKey)).toBe(false);
    expect(text).not.toContain("sk-test");
  });

  test("nothing of this run was worth a stack trace", () => {
    const faults = target.processes.flatMap((of) => linesOf(of).slice(0, -1).filter(isFault));
    expect(faults).toEqual([]);
  });
});

/** pino's 50 is an error, 60 a fatal one; some write the names instead. */
function isFault(line: string): boolean {
  const { level } = JSON.parse(line) as { level: unknown };
  return level === 50 || level === 60 || level === "error" || level === "fatal";
}
