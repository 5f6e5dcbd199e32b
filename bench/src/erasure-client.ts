import { setTimeout as sleep } from "node:timers/promises";
import { KEY } from "./connection.ts";

/** One user of the erasure's storm: writes through the API, and remembers what was acknowledged. */
export interface Writer {
  readonly userId: string;
  /** Everything that was ever acknowledged, by id. */
  readonly seen: ReadonlySet<string>;
  /** What should stand now: by id, its content. */
  readonly standing: ReadonlyMap<string, string>;
  /** Stops, and waits for the request under way. */
  stop(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  // What an answer holds is each caller's own business.
  readonly body: Record<string, unknown>;
}

const REQUEST_TIMEOUT_MS = 20_000;

export async function call(base: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await fetch(`${base}${path}`, {
    method,
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** Begins to write for a user: new memories, changes and deletions of its own, about `perSecond` of them. */
export function startWriter(
  base: string,
  { userId, perSecond, random }: { userId: string; perSecond: number; random: () => number },
): Writer {
  const seen = new Set<string>();
  const standing = new Map<string, string>();
  const stopping = new AbortController();
  // A writer who comes after another of the same user says other things.
  const voice = Math.floor(random() * 1e9).toString(36);
  let number = 0;

  const write = async (): Promise<void> => {
    const chance = random();
    const [id] = standing.keys();
    if (id === undefined || chance < 0.6) {
      const content = `${userId} запомнил число ${voice}-${++number}`;
      const answer = await call(base, "POST", "/api/memories", { user_id: userId, content });
      if (answer.status !== 201) throw new Error(`POST: ${answer.status}`);
      seen.add(String(answer.body["id"]));
      standing.set(String(answer.body["id"]), content);
    } else if (chance < 0.8) {
      const content = `${userId} передумал, число ${voice}-${++number}`;
      const answer = await call(base, "PATCH", `/api/memories/${id}`, { content });
      if (answer.status !== 200) throw new Error(`PATCH: ${answer.status}`);
      standing.set(id, content);
    } else {
      const answer = await call(base, "DELETE", `/api/memories/${id}`);
      if (answer.status !== 200) throw new Error(`DELETE: ${answer.status}`);
      standing.delete(id);
    }
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await write();
      await sleep((random() * 2 * 1000) / perSecond);
    }
  };
  const running = run();
  running.catch(() => undefined); // told by whoever stops it
  return {
    userId,
    seen,
    standing,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
