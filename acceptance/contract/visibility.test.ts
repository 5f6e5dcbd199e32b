// CONTRACT.md 2, "Who sees what": the level decides; ids say where a memory came from.
import { beforeAll, describe, expect, test } from "@jest/globals";
import { create, indexed, list, search, unique, type Memory } from "../memories.ts";

const [anna, boris] = [unique("anna"), unique("boris")];
const [first, second] = ["session-one", "session-two"];
const agent = unique("agent");
const otherAgent = unique("agent");

/** One memory for each way of being somebody's; all speak of the same thing, so that a query finds whatever may be seen. */
const bodies = {
  lasting: { user_id: anna, session_id: first },
  lastingOfSecond: { user_id: anna, session_id: second, agent_id: agent },
  ofFirstSession: { user_id: anna, level: "session", session_id: first },
  ofSecondSession: { user_id: anna, level: "session", session_id: second },
  ofAgentForAnna: { user_id: anna, level: "agent", agent_id: agent },
  ofOtherAgentForAnna: { user_id: anna, level: "agent", agent_id: otherAgent },
  ofAgentForAll: { level: "agent", agent_id: agent },
  ofBoris: { user_id: boris, session_id: first },
  ofAgentForBoris: { user_id: boris, level: "agent", agent_id: agent },
};
type Name = keyof typeof bodies;

describe("who sees what", () => {
  const stored = new Map<string, Name>();

  beforeAll(async () => {
    const memories: Memory[] = [];
    for (const [name, body] of Object.entries(bodies)) {
      const memory = await create({ ...body, content: `Заметка о доставке посылок: ${name}` });
      stored.set(memory.id, name as Name);
      memories.push(memory);
    }
    await indexed(...memories);
  });

  const named = (memories: Memory[]): string[] => memories.map(({ id }) => stored.get(id) ?? `unknown ${id}`).sort();

  const matrix: [who: string, body: Record<string, unknown>, sees: Name[]][] = [
    ["the user", { user_id: anna }, ["lasting", "lastingOfSecond"]],
    [
      "the user in her first session",
      { user_id: anna, session_id: first },
      ["lasting", "lastingOfSecond", "ofFirstSession"],
    ],
    ["the user in a new session", { user_id: anna, session_id: "session-three" }, ["lasting", "lastingOfSecond"]],
    [
      "the user with the agent",
      { user_id: anna, agent_id: agent },
      ["lasting", "lastingOfSecond", "ofAgentForAnna", "ofAgentForAll"],
    ],
    [
      "the user with the agent in her second session",
      { user_id: anna, agent_id: agent, session_id: second },
      ["lasting", "lastingOfSecond", "ofSecondSession", "ofAgentForAnna", "ofAgentForAll"],
    ],
    [
      "the user with the other agent",
      { user_id: anna, agent_id: otherAgent },
      ["lasting", "lastingOfSecond", "ofOtherAgentForAnna"],
    ],
    ["another user in a session of the same name", { user_id: boris, session_id: first }, ["ofBoris"]],
    [
      "another user with the agent",
      { user_id: boris, agent_id: agent },
      ["ofBoris", "ofAgentForBoris", "ofAgentForAll"],
    ],
    ["the agent alone", { agent_id: agent }, ["ofAgentForAll"]],
    ["an agent nobody knows", { agent_id: unique("agent") }, []],
    ["a level alone", { user_id: anna, agent_id: agent, session_id: first, level: "session" }, ["ofFirstSession"]],
    [
      "exactly the user",
      { user_id: anna, scope: "exact" },
      ["lasting", "lastingOfSecond", "ofFirstSession", "ofSecondSession", "ofAgentForAnna", "ofOtherAgentForAnna"],
    ],
    [
      "exactly the user and the session",
      { user_id: anna, session_id: first, scope: "exact" },
      ["lasting", "ofFirstSession"],
    ],
    [
      "exactly the user and the agent",
      { user_id: anna, agent_id: agent, scope: "exact" },
      ["lastingOfSecond", "ofAgentForAnna"],
    ],
  ];

  test.each(matrix)("recent memories for %s", async (_who, body, sees) => {
    expect(named((await search({ ...body, limit: 100 })).memories)).toEqual([...sees].sort());
  });

  test.each(matrix)("a query by %s", async (_who, body, sees) => {
    const found = await search({ ...body, query: "заметка о доставке посылок", limit: 100 });
    expect(named(found.memories)).toEqual([...sees].sort());
  });

  test.each<[query: Record<string, string>, lists: Name[]]>([
    [{}, ["lasting", "lastingOfSecond", "ofFirstSession", "ofSecondSession", "ofAgentForAnna", "ofOtherAgentForAnna"]],
    [{ session_id: first }, ["lasting", "ofFirstSession"]],
    [{ agent_id: agent }, ["lastingOfSecond", "ofAgentForAnna"]],
    [{ level: "session" }, ["ofFirstSession", "ofSecondSession"]],
    [{ level: "agent", agent_id: otherAgent }, ["ofOtherAgentForAnna"]],
  ])("a listing has plain filters: %p", async (query, lists) => {
    expect(named((await list(anna, { ...query, limit: 100 })).memories)).toEqual([...lists].sort());
  });
});
