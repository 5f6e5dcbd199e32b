/**
 * The clients of the availability benchmark, in a process of their own: writes and searches that arrive by the clock,
 * whether or not the earlier ones have been answered. A latency counts from the moment at which the request was due, so
 * what had to wait for a connection is not made to look quick.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Connection, type Ask } from "./connection.ts";
import { createRandom, makeStatement } from "./sentences.ts";

export interface LoadOrder {
  readonly urls: readonly string[];
  readonly writesPerSecond: number;
  readonly searchesPerSecond: number;
}

/** `phase`: what is due from now on belongs to it. `stop`: answer what is due, then tell. */
export type LoadMessage =
  | ({ readonly kind: "start" } & LoadOrder)
  | { readonly kind: "phase"; readonly phase: string }
  | { readonly kind: "stop" };

export interface PhaseLoad {
  readonly writesMs: number[];
  readonly searchesMs: number[];
  failedWrites: number;
  failedSearches: number;
  /** Searches that said so, by the code of the reason. */
  readonly degraded: Record<string, number>;
  degradedSearches: number;
  /** What failed, a few examples. */
  readonly faults: string[];
}

export type LoadOutcome = Readonly<Record<string, PhaseLoad>>;

const TICK_MS = 5;
const CONNECTIONS_PER_API = 64;
const USERS = 100;
const FAULTS_SHOWN_MAX = 5;

const phases: Record<string, PhaseLoad> = {};
let phase = "";
const stopping = new AbortController();

process.on("message", (message: LoadMessage) => {
  switch (message.kind) {
    case "start":
      void run(message).then(
        (outcome) => process.send?.(outcome),
        (error: unknown) => {
          console.error(error);
          process.exit(1);
        },
      );
      break;
    case "phase":
      phase = message.phase;
      break;
    case "stop":
      stopping.abort();
  }
});

async function run({ urls, writesPerSecond, searchesPerSecond }: LoadOrder): Promise<LoadOutcome> {
  const pools = await Promise.all(urls.map((url) => openPool(url)));
  const random = createRandom(1);
  const open = new Set<Promise<void>>();
  let sent = 0;
  const send = (work: (pool: Pool, due: number) => Promise<void>, due: number): void => {
    const pool = pools[sent++ % pools.length];
    if (pool === undefined) throw new Error("no API");
    const done = work(pool, due).finally(() => open.delete(done));
    open.add(done);
  };

  const begin = performance.now();
  let [writes, searches] = [0, 0];
  while (!stopping.signal.aborted) {
    const elapsed = (performance.now() - begin) / 1000;
    for (; writes < elapsed * writesPerSecond; writes++) {
      const { content, type } = makeStatement(writes, random);
      const body = JSON.stringify({ user_id: `user-${writes % USERS}`, content, type });
      send((pool, due) => write(pool, body, due), begin + (writes / writesPerSecond) * 1000);
    }
    for (; searches < elapsed * searchesPerSecond; searches++) {
      const { question } = makeStatement(searches, random);
      const body = JSON.stringify({ user_id: `user-${searches % USERS}`, query: question });
      send((pool, due) => search(pool, body, due), begin + (searches / searchesPerSecond) * 1000);
    }
    await sleep(TICK_MS);
  }
  await Promise.all(open);
  return phases;
}

async function write(pool: Pool, body: string, due: number): Promise<void> {
  const load = current();
  const answer = await pool.ask({ method: "POST", path: "/api/memories", body });
  load.writesMs.push(performance.now() - due);
  if (answer.status === 201 || answer.status === 200) return;
  load.failedWrites += 1;
  tell(load, `write: ${answer.status} ${answer.text.slice(0, 200)}`);
}

async function search(pool: Pool, body: string, due: number): Promise<void> {
  const load = current();
  const answer = await pool.ask({ method: "POST", path: "/api/memories/search", body });
  load.searchesMs.push(performance.now() - due);
  if (answer.status !== 200) {
    load.failedSearches += 1;
    tell(load, `search: ${answer.status} ${answer.text.slice(0, 200)}`);
    return;
  }
  const { degraded = [] } = JSON.parse(answer.text) as { degraded?: { code: string }[] };
  if (degraded.length > 0) load.degradedSearches += 1;
  for (const { code } of degraded) load.degraded[code] = (load.degraded[code] ?? 0) + 1;
}

function current(): PhaseLoad {
  return (phases[phase] ??= {
    writesMs: [],
    searchesMs: [],
    failedWrites: 0,
    failedSearches: 0,
    degraded: {},
    degradedSearches: 0,
    faults: [],
  });
}

function tell(load: PhaseLoad, fault: string): void {
  if (load.faults.length < FAULTS_SHOWN_MAX) load.faults.push(fault);
}

interface Pool {
  /** Status 0: the connection broke. Waits for a connection while all are asked. In turn, so that none idles until it is closed. */
  ask(ask: Ask): Promise<{ status: number; text: string }>;
}

async function openPool(url: string): Promise<Pool> {
  const free = await Promise.all(Array.from({ length: CONNECTIONS_PER_API }, () => Connection.open(url)));
  const waiting: ((connection: Connection) => void)[] = [];
  const give = (connection: Connection): void => {
    const next = waiting.shift();
    if (next === undefined) free.push(connection);
    else next(connection);
  };
  return {
    async ask(ask) {
      const connection = free.shift() ?? (await new Promise<Connection>((resolve) => waiting.push(resolve)));
      try {
        const { status, body } = await connection.ask(ask);
        give(connection);
        return { status, text: body.toString("utf8") };
      } catch (error) {
        give(await Connection.open(url));
        return { status: 0, text: String(error) };
      }
    },
  };
}
