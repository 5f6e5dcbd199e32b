import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { eventually, KEY, startStack, type Stack } from "./stack.ts";

/* Every call of the model that talks is in the ledger: what it cost is asked for afterwards, not whether it went well. */

const whenThere =
  process.env["ENGRAM_TEST_DATABASE_URL"] === undefined || process.env["ENGRAM_TEST_QDRANT_URL"] === undefined
    ? describe.skip
    : describe;

interface Line {
  readonly operation: string;
  readonly outcome: string;
  readonly calls: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}

async function toldChats(stack: Stack): Promise<readonly Line[]> {
  const lines = (): Promise<readonly (Line & Record<string, unknown>)[]> =>
    stack.sockets.db.query(
      `SELECT operation, outcome, calls::int AS calls, prompt_tokens::int AS prompt_tokens, completion_tokens::int AS completion_tokens
       FROM engram.provider_calls WHERE operation = 'chat'`,
    );
  return eventually(async () => {
    const told = await lines();
    return told.length > 0 ? told : undefined;
  });
}

const question = { user_id: "u", message: "Как меня зовут?" };
const completion = { model: "gpt-4o-mini", user: "u", messages: [{ role: "user", content: "Как меня зовут?" }] };
const post = async (stack: Stack, path: string, body: object): Promise<void> => {
  const answer = await fetch(stack.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  await answer.text();
};
const calls: readonly [string, object][] = [
  ["/api/chat", question],
  ["/v1/chat/completions", completion],
];

whenThere("a chat whose answer the provider breaks off", () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  }, 60_000);
  afterAll(() => stack.close());
  beforeEach(() => stack.sockets.db.script("DELETE FROM engram.provider_calls"));
  afterEach(() => stack.openai.clearFaults());

  test.each(calls)("is in the ledger as such, with what it had cost: %s", async (path, body) => {
    await stack.openai.fault({ endpoint: "chat", match: "зовут", cut_after: 4, pause_ms: 20 });
    await post(stack, path, { ...body, stream: true }).catch(() => undefined); // the proxy's is cut too
    const [told, ...others] = await toldChats(stack);
    expect(others).toEqual([]);
    expect(told).toMatchObject({ outcome: "unavailable", calls: 1 });
    expect(told?.prompt_tokens).toBeGreaterThan(0);
    expect(told?.completion_tokens).toBeGreaterThan(0);
  });

  test.each(calls)("one that is answered is in it as well: %s", async (path, body) => {
    await post(stack, path, body);
    expect(await toldChats(stack)).toMatchObject([{ outcome: "ok", calls: 1 }]);
  });
});

whenThere("a chat with a provider that cannot be reached", () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
    await stack.openai.stop();
  }, 60_000);
  afterAll(() => stack.close());
  beforeEach(() => stack.sockets.db.script("DELETE FROM engram.provider_calls"));

  test.each(calls)("is in the ledger: %s", async (path, body) => {
    await post(stack, path, body);
    expect(await toldChats(stack)).toMatchObject([{ outcome: "unavailable", calls: 1, prompt_tokens: 0 }]);
  });
});
