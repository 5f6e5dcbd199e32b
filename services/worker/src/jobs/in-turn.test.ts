import { describe, expect, test } from "@jest/globals";
import { NO_HITS } from "@engram/memory";
import { inTurn } from "./in-turn.ts";

describe("what conversations ask of the database", () => {
  test("is one call at a time across ports, in order, and a failed one holds up nobody", async () => {
    const events: string[] = [];
    const call =
      <T>(name: string, result: T) =>
      async (): Promise<T> => {
        events.push(`${name} begins`);
        await new Promise(setImmediate);
        events.push(`${name} ends`);
        return result;
      };
    const ports = inTurn({
      outbox: { claim: call("claim", []), fail: call("fail", 0), release: call("release", 0) },
      store: {
        searchText: call("searchText", NO_HITS),
        findMemories: call("findMemories", []),
        recentMemories: call("recentMemories", []),
      },
      extractions: {
        read: async () => {
          events.push("read fails");
          throw new Error("the database went away");
        },
        settle: call("settle", true),
        narrow: call("narrow", true),
        refuse: call("refuse", true),
        done: call("done", false),
      },
    });
    const claim = { owner: "o", token: "t" };
    const answers = await Promise.allSettled([
      ports.extractions.read("o", { messagesMax: 1, bytesMax: 1, beforeMax: 0 }),
      ports.extractions.settle(claim, [], []),
      ports.store.findMemories([], { scope: { projectId: "p", exact: false } }),
      ports.extractions.done(claim),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled", "fulfilled"]);
    expect(answers.at(-1)).toMatchObject({ value: false });
    expect(events).toEqual([
      "read fails",
      ...["settle", "findMemories", "done"].flatMap((name) => [`${name} begins`, `${name} ends`]),
    ]);
  });
});
