import { describe, expect, test } from "@jest/globals";
import { tenantOf, visibleTo } from "./scope.ts";

const projectId = "00000000-0000-7000-8000-000000000001";

describe("visibleTo", () => {
  test("a user alone sees the lasting memories only", () => {
    expect(visibleTo({ projectId, userId: "u", exact: false })).toEqual([{ level: "user", userId: "u" }]);
  });

  test("a session and an agent add their own", () => {
    expect(visibleTo({ projectId, userId: "u", sessionId: "s", agentId: "a", exact: false })).toEqual([
      { level: "user", userId: "u" },
      { level: "session", userId: "u", sessionId: "s" },
      { level: "agent", userId: "u", agentId: "a" },
      { level: "agent", userId: null, agentId: "a" },
    ]);
  });

  test("an agent without a user sees what all its users share, and nobody's own", () => {
    expect(visibleTo({ projectId, agentId: "a", exact: false })).toEqual([
      { level: "agent", userId: null, agentId: "a" },
    ]);
  });

  test("a level asked for by name is all of that level that is the user's own", () => {
    expect(visibleTo({ projectId, userId: "u", level: "session", exact: false })).toEqual([
      { level: "session", userId: "u" },
    ]);
  });

  test("exact: the ids are plain filters", () => {
    expect(visibleTo({ projectId, userId: "u", sessionId: "s", exact: true })).toEqual([
      { userId: "u", sessionId: "s" },
    ]);
  });
});

describe("tenantOf", () => {
  test("differs by project, user and kind of owner", () => {
    const owners = [
      { projectId, userId: "x", agentId: null },
      { projectId, userId: null, agentId: "x" },
      { projectId, userId: null, agentId: null },
      { projectId: "00000000-0000-7000-8000-000000000002", userId: "x", agentId: null },
    ];
    expect(new Set(owners.map(tenantOf)).size).toBe(4);
    expect(tenantOf({ projectId, userId: "x", agentId: "a" })).toBe(
      tenantOf({ projectId, userId: "x", agentId: null }),
    );
  });
});
