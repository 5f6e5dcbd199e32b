// A provider that refuses the key, provoked for real: one line with its cure, a process that stays up and takes memories, and one
// that makes their vectors once it is started with a key that is right.
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startOpenAI, type OpenAI } from "@engram/test-equipment";
import { target } from "../target.ts";
import { until } from "../until.ts";
import { readiness, start, stopStarted, type Started } from "./started.ts";

const READY_TIMEOUT_MS = 20_000;
/** The stand-in refuses this one. */
const WRONG_KEY = "sk-wrong";
const headers = { "x-api-key": "key", "content-type": "application/json" };

let provider: OpenAI;
beforeAll(async () => {
  provider = await startOpenAI();
});
afterAll(async () => {
  await stopStarted();
  await provider.stop();
});

async function told(started: Started) {
  let state: Awaited<ReturnType<typeof readiness>>;
  await until(
    "the key to be told",
    async () => {
      state = await readiness(started);
      return state?.status === 200 && state.problems.length > 0;
    },
    { timeoutMs: READY_TIMEOUT_MS, describe: () => `${JSON.stringify(state)}\n${started.output()}` },
  );
  expect(state?.problems).toEqual([
    {
      code: "provider_key",
      message: "The model provider refuses the key: check OPENAI_API_KEY",
      cure: expect.stringContaining("Put a key that the provider takes into OPENAI_API_KEY and start again"),
    },
  ]);
  const status = await fetch(`${started.base}/api/memory/status`, { headers });
  expect(await status.json()).toMatchObject({ problems: state?.problems });
}

function toldLines(started: Started): string[] {
  return started
    .output()
    .split("\n")
    .filter((line) => line.includes('"code":"provider_key"'));
}

async function stop(started: Started): Promise<void> {
  started.child.kill("SIGTERM");
  await once(started.child, "exit");
  expect(started.child.exitCode).toBe(0);
}

async function ask<T>(started: Started, path: string, body: object): Promise<T> {
  const answer = await fetch(`${started.base}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  expect(answer.ok).toBe(true);
  return (await answer.json()) as T;
}

const search = (started: Started) =>
  ask<{ memories: { content: string }[]; degraded?: { code: string }[] }>(started, "/api/memories/search", {
    user_id: "anton",
    query: "bicycle",
  });

const onceOnly = target.kind === "embedded" ? describe : describe.skip;

onceOnly("a key that the provider refuses", () => {
  test("one line with its cure, memories are taken and found by words; a right key and a restart mend it, a wrong one is told again", async () => {
    const withKey = (key: string, directory?: string) =>
      start({
        OPENAI_API_KEY: key,
        OPENAI_BASE_URL: provider.url,
        ...(directory === undefined ? {} : { DATA_DIR: directory }),
      });
    const wrong = await withKey(WRONG_KEY);
    await told(wrong);
    await ask(wrong, "/api/memories", { user_id: "anton", content: "The user rides a blue bicycle", type: "fact" });
    const byWords = await search(wrong);
    expect(byWords.memories).toHaveLength(1);
    expect(byWords.degraded?.length).toBeGreaterThan(0);
    await told(wrong);
    expect(toldLines(wrong)).toHaveLength(1);
    expect(wrong.output()).not.toContain(WRONG_KEY);
    expect(wrong.child.exitCode).toBeNull();
    await stop(wrong);

    const right = await withKey("sk-right", wrong.directory);
    await until(
      "the memory to be found by its meaning, without a problem",
      async () => {
        const state = await readiness(right);
        if (state?.status !== 200 || state.problems.length > 0) return false;
        const { memories, degraded = [] } = await search(right);
        return memories.length === 1 && degraded.length === 0;
      },
      { timeoutMs: READY_TIMEOUT_MS, describe: () => right.output() },
    );
    await stop(right);

    // The index stands now, so that nothing has to be embedded at the start.
    const wrongAgain = await withKey(WRONG_KEY, wrong.directory);
    await told(wrongAgain);
    expect(toldLines(wrongAgain)).toHaveLength(1);
    await stop(wrongAgain);
  }, 90_000);
});
