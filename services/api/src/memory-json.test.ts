import { expect, test } from "@jest/globals";
import { DEFAULT_PROJECT_ID, type Memory } from "@engram/memory";
import { memoryJson } from "./memory-json.ts";

const time = new Date("2026-11-26T17:00:00.123Z");
const memory: Memory = {
  id: "00000000-0000-7000-8000-000000000001",
  projectId: DEFAULT_PROJECT_ID,
  userId: "u",
  agentId: null,
  sessionId: null,
  level: "user",
  type: "fact",
  key: null,
  content: "Чай",
  metadata: {},
  importance: null,
  categories: [],
  occurredAt: time,
  createdAt: time,
  updatedAt: time,
  expiresAt: null,
  validFrom: time,
  validTo: null,
  supersededBy: null,
  seenCount: 1,
  version: 1,
  indexStatus: "indexed",
};

test("times are what JSON makes of them, and one without an end is null", () => {
  // As the driver reads what somebody wrote with SQL.
  const endless = { ...memory, expiresAt: Number.POSITIVE_INFINITY as unknown as Date, validTo: new Date(Number.NaN) };
  expect(memoryJson(endless)).toMatchObject({
    occurred_at: "2026-11-26T17:00:00.123Z",
    expires_at: null,
    valid_from: "2026-11-26T17:00:00.123Z",
    valid_to: null,
  });
  expect(memoryJson(memory)).toEqual(JSON.parse(JSON.stringify(memoryJson(memory))));
});
