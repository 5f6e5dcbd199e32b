import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { KeptMemory, Person, Users } from "@engram/memory";
import { eventually, KEY, startStack, type Stack } from "./stack.ts";

const whenThere =
  process.env["ENGRAM_TEST_DATABASE_URL"] === undefined || process.env["ENGRAM_TEST_QDRANT_URL"] === undefined
    ? describe.skip
    : describe;

/** Of some 5 KB each: many times what the buffers between a server and its client hold. */
const MEMORIES = 8_000;
const PAGES = MEMORIES / 500;

whenThere("an export that is slow, cut or broken", () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
    const { db } = stack.sockets;
    // Nothing here is searched for: the worker need not embed it.
    for (let first = 1; first <= MEMORIES; first += 500)
      await db.script(`INSERT INTO memories (user_id, content) SELECT 'large', n || repeat(' слово', 400) FROM generate_series(${first}, ${first + 499}) n;
        DELETE FROM engram.outbox WHERE topic LIKE 'index:%'`);
    await db.script("INSERT INTO memories (user_id, content) VALUES ('small', 'раз')");
    // The API answers 503 until it has seen the schema.
    await eventually(async () => (await get("small")).status === 200);
  }, 60_000);
  afterAll(() => stack.close());

  const get = (user: string, query = "", signal?: AbortSignal) =>
    fetch(`${stack.url}/api/users/${user}/export${query}`, {
      headers: { "x-api-key": KEY },
      ...(signal === undefined ? {} : { signal }),
    });
  /** Runs `work` while the table of the history is out of reach. */
  const withoutHistory = async (work: () => Promise<void>): Promise<void> => {
    await stack.sockets.db.script("ALTER TABLE engram.history RENAME TO history_away");
    try {
      await work();
    } finally {
      await stack.sockets.db.script("ALTER TABLE engram.history_away RENAME TO history");
    }
  };

  test("thousands of memories are one whole document", async () => {
    const answer = await get("large");
    expect(answer.headers.get("content-disposition")).toMatch(/^attachment; filename=engram-export-[\d-]+\.json$/);
    const document = (await answer.json()) as { memories: { content: string }[]; counts: object; complete: boolean };
    expect(new Set(document.memories.map((one) => one.content)).size).toBe(MEMORIES);
    expect(document).toMatchObject({ counts: { memories: MEMORIES, history: 0 }, complete: true });
  }, 60_000);

  test("pages are read as fast as the client takes them, and no more once it has gone", async () => {
    const pages = watchPages(stack.sockets.users);
    const leaving = new AbortController();
    const answer = await get("large", "?format=ndjson", leaving.signal);
    const reader = answer.body?.getReader();
    await reader?.read();
    // The buffers of both sides fill, and then nothing moves: two looks in a row see the same.
    let seen = -1;
    await eventually(async () => {
      const before = seen;
      seen = pages.read;
      await new Promise((resolve) => setTimeout(resolve, 200));
      return before === seen && seen === pages.read;
    });
    expect(pages.read).toBeLessThan(PAGES);
    leaving.abort();
    await eventually(() => Promise.resolve(pages.ended));
    expect(pages.read).toBeLessThan(PAGES);
    pages.restore();
  }, 30_000);

  test("a fault in the middle cuts the document, which no reader takes for whole", async () => {
    await withoutHistory(async () => {
      const answer = await get("large", "?format=ndjson");
      expect(answer.status).toBe(200);
      await expect(answer.text()).rejects.toThrow();
    });
  }, 30_000);

  test("a fault before the first piece is an error like any other", async () => {
    await withoutHistory(async () => {
      const answer = await get("small");
      expect(answer.status).toBe(500);
      expect(await answer.json()).toMatchObject({ error: "Internal Server Error", message: "Internal error" });
    });
  });

  test("HEAD tells the headers and reads nothing to the end", async () => {
    const answer = await fetch(`${stack.url}/api/users/large/export`, {
      method: "HEAD",
      headers: { "x-api-key": KEY },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
  });
});

/** Counts the pages that the API reads of the real store. */
function watchPages(users: Users): { read: number; ended: boolean; restore(): void } {
  const exportMemories = users.exportMemories.bind(users);
  const watch = { read: 0, ended: false, restore: () => Object.assign(users, { exportMemories }) };
  async function* watched(person: Person): AsyncGenerator<readonly KeptMemory[]> {
    try {
      for await (const page of exportMemories(person)) {
        watch.read += 1;
        yield page;
      }
    } finally {
      watch.ended = true;
    }
  }
  Object.assign(users, { exportMemories: watched });
  return watch;
}
