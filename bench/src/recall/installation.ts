/** An installation that the yardstick is asked of, over its REST API alone. */
import { Connection } from "../connection.ts";
import { until } from "../until.ts";
import type { Dialogue } from "./yardstick.ts";

const BULK_SIZE = 200;
const ASKED_AT_ONCE = 4;
const LIMIT = 50;
const INDEXED_TIMEOUT_MS = 15 * 60_000;

export interface Loaded {
  /** What was sent as user_id is that of the dialogue and this. */
  readonly suffix: string;
  /** The dia_id of each memory, by its id. */
  readonly turns: ReadonlyMap<string, string>;
}

export interface LoadOptions {
  readonly suffix: string;
  /** False: no session_id is sent. */
  readonly sessions: boolean;
}

/** Stores every memory in the order of its dialogue, and waits until all are in the index. */
export async function load(
  url: string,
  dialogues: readonly Dialogue[],
  { suffix, sessions }: LoadOptions,
): Promise<Loaded> {
  const connection = await Connection.open(url);
  const turns = new Map<string, string>();
  for (const { userId, memories } of dialogues)
    for (let from = 0; from < memories.length; from += BULK_SIZE) {
      const batch = memories.slice(from, from + BULK_SIZE);
      const body = batch.map((memory) => ({
        user_id: userId + suffix,
        type: "interaction",
        content: memory.content,
        occurred_at: `${memory.session_date}Z`,
        ...(sessions ? { session_id: memory.session_id } : {}),
      }));
      const { results } = await askJson<{ results: { id?: string }[] }>(connection, "/api/memories/bulk", {
        memories: body,
      });
      results.forEach(({ id }, at) => {
        const turn = batch[at]?.dia_id;
        if (id === undefined || turn === undefined) throw new Error("a memory was refused");
        turns.set(id, turn);
      });
    }
  for (const { userId, memories } of dialogues)
    await until(
      "all memories to be in the index",
      async () => {
        const path = `/api/memories/user/${userId}${suffix}?limit=${Math.min(1000, memories.length)}`;
        const page = await askJson<{ memories: { index_status: string }[] }>(connection, path);
        return page.memories.every((memory) => memory.index_status === "indexed");
      },
      { timeoutMs: INDEXED_TIMEOUT_MS },
    );
  connection.close();
  return { suffix, turns };
}

export interface Asked {
  /** Of each question, by its qid, the dia_ids of what was found, best first. */
  readonly ranked: ReadonlyMap<string, readonly string[]>;
  /** Answers that were degraded in any way. */
  readonly degraded: number;
}

/** Asks every question of its dialogue's user. */
export async function ask(url: string, dialogues: readonly Dialogue[], { suffix, turns }: Loaded): Promise<Asked> {
  const ranked = new Map<string, readonly string[]>();
  let degraded = 0;
  const open = dialogues.flatMap(({ userId, questions }) => questions.map((question) => ({ userId, question })));
  const askers = Array.from({ length: ASKED_AT_ONCE }, async () => {
    const connection = await Connection.open(url);
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const body = { user_id: next.userId + suffix, query: next.question.question, limit: LIMIT };
      const answer = await askJson<{ memories: { id: string }[]; degraded?: unknown }>(
        connection,
        "/api/memories/search",
        body,
      );
      if (answer.degraded !== undefined) degraded += 1;
      ranked.set(
        next.question.qid,
        answer.memories.flatMap(({ id }) => turns.get(id) ?? []),
      );
    }
    connection.close();
  });
  await Promise.all(askers);
  return { ranked, degraded };
}

async function askJson<T>(connection: Connection, path: string, body?: unknown): Promise<T> {
  const answer = await connection.ask(
    body === undefined ? { method: "GET", path } : { method: "POST", path, body: JSON.stringify(body) },
  );
  const text = answer.body.toString("utf8");
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${text}`);
  return JSON.parse(text) as T;
}
