import { EventEmitter } from "node:events";
import { Readable } from "node:stream";
import { expect, test } from "@jest/globals";
import type { RouteContext } from "../route.ts";
import { createChat } from "./create-chat.ts";

const never = () => new Promise<never>(() => undefined);
const reply = { choices: [{ message: { content: "Привет" } }], usage: { prompt_tokens: 1, completion_tokens: 1 } };

test("a memory that never answers holds no answer of the model up, before it or after", async () => {
  const logged: unknown[] = [];
  const context = {
    req: { body: { user_id: "u", session_id: "s", message: "Как меня зовут?" } },
    res: new EventEmitter(),
    principal: { projectId: "p", name: "one" },
    requestId: "req-1",
    deps: {
      config: { recall: { deadlineMs: 10 }, extraction: { wishes: {}, debounceMs: 0 } },
      logger: { warn: ({ part }: { part: unknown }) => logged.push(part) },
      once: async (_keyed: unknown, write: () => Promise<unknown>) => ({ result: await write(), replayed: false }),
      search: { live: never, store: { searchText: never }, deadlineMs: 5 },
      sockets: {
        store: { profileMemories: never, recentMemories: never },
        conversations: { turns: never, add: never, searchText: never },
        models: {
          chat: {
            model: "m",
            tell: () => undefined,
            upstream: {
              send: () => Promise.resolve({ status: 200, body: Readable.from([Buffer.from(JSON.stringify(reply))]) }),
            },
          },
        },
      },
    },
  };
  expect(await createChat.handle(context as unknown as RouteContext)).toMatchObject({
    status: 200,
    body: { reply: "Привет", memories_used: [], event_id: null },
  });
  expect(logged).toEqual(["recall", "earlier turns", "exchange"]);
});
