import type { Memory } from "../memories.ts";
import type { Call, Outcome } from "./exchange.ts";
import type { Journal } from "./journal.ts";
import { EVENT } from "./model.ts";
import type { Troubles } from "./troubles.ts";

/** A call and how it ended, with its times by `performance.now()`. */
export interface Exchange {
  /** Name of the API that was asked. */
  readonly api: string;
  /** Whose memories it is about: the journal's subject. */
  readonly user: string;
  readonly call: Call;
  readonly outcome: Outcome;
  readonly from: number;
  readonly to: number;
}

/** What a search or a listing may return. */
export interface Asked {
  readonly session?: string;
  readonly agent?: string;
  /** True: ids are plain filters, as in a listing. */
  readonly exact: boolean;
}

/** Between a fault and the first sign of it at a client, or its last: scheduling, buffers, a busy machine. */
const EXCUSE_GRACE_MS = 1_500;
/** After the truth is back: connections that died unnoticed are found one statement time-out after another. */
const TRUTH_GRACE_MS = 10_000;
/** What a caller may be told at any time: done, known already, absent, held by a twin. */
const STATUSES = new Set([200, 201, 404, 409, 429]);

/** Sees every answer of the storm, whoever asked, and knows what no answer may show. */
export class Witness {
  readonly #journal: Journal;
  readonly #troubles: Troubles;
  /** When the delete of each id was acknowledged. */
  readonly #gone = new Map<string, number>();
  /** Highest version of each id that somebody has been shown, and when. */
  readonly #versions = new Map<string, { version: number; at: number }[]>();
  /** What each version of each memory looks like: the same to everybody, for ever. */
  readonly #looks = new Map<string, string>();

  constructor(journal: Journal, troubles: Troubles) {
    this.#journal = journal;
    this.#troubles = troubles;
  }

  /** From now on nothing may show these ids. */
  deleted(ids: Iterable<string>, at: number): void {
    for (const id of ids) if (!this.#gone.has(id)) this.#gone.set(id, at);
  }

  get goneIds(): readonly string[] {
    return [...this.#gone.keys()];
  }

  /** Judges one exchange; `asked` for searches and listings. */
  examine(exchange: Exchange, asked?: Asked): void {
    const { outcome, api, user, call } = exchange;
    const where = `${call.method} ${call.path} at ${api}`;
    if (outcome.kind !== "answered") {
      if (!this.#troubles.excuses(`process:${api}`, exchange, EXCUSE_GRACE_MS))
        this.#journal.violate("no answer", user, `${where}: ${outcome.kind === "lost" ? outcome.reason : "refused"}`);
      return;
    }
    if (outcome.status === 503) {
      if (!this.#troubles.excuses(`truth:${api}`, exchange, TRUTH_GRACE_MS))
        this.#journal.violate("503 with the truth in reach", user, `${where}: ${JSON.stringify(outcome.body)}`);
      return;
    }
    if (!STATUSES.has(outcome.status)) {
      this.#journal.violate("wrong status", user, `${where}: ${outcome.status} ${JSON.stringify(outcome.body)}`);
      return;
    }
    const memories = memoriesOf(outcome.body);
    this.#checkDoubles(memories, user, where);
    for (const memory of memories) {
      this.#checkMemory(memory, exchange, where);
      if (asked !== undefined) this.#checkScope(memory, asked, user, where);
    }
  }

  /** No id, no state and no slot twice: a listing and a search show what is live. */
  #checkDoubles(memories: readonly Memory[], user: string, where: string): void {
    const names: readonly [check: string, nameOf: (memory: Memory) => string | undefined][] = [
      ["an id twice in one answer", (memory) => memory.id],
      ["one state twice", stateNameOf],
      ["two live in one slot", slotNameOf],
    ];
    for (const [check, nameOf] of names) {
      const found = memories.flatMap((memory) => nameOf(memory) ?? []);
      const doubled = found.find((name, i) => found.indexOf(name) < i);
      if (doubled !== undefined) this.#journal.violate(check, user, `${doubled} by ${where}`);
    }
  }

  #checkMemory(memory: Memory, { from, to, user, outcome }: Exchange, where: string): void {
    const { id } = memory;
    const goneAt = this.#gone.get(id);
    if (goneAt !== undefined && goneAt < from)
      this.#journal.violate("returned after its delete was acknowledged", user, `${id} by ${where}`, id);

    const version = Number(memory.version);
    const seen = this.#versions.get(id) ?? [];
    const floor = seen.findLast((one) => one.at < from)?.version ?? 0;
    // A replay shows what was answered then, whatever has come of it since.
    const isReplay = outcome.kind === "answered" && outcome.isReplay;
    if (version < floor && !isReplay)
      this.#journal.violate("a version went back", user, `${id}: ${version} after ${floor}, by ${where}`, id);
    if (version > (seen.at(-1)?.version ?? 0)) this.#versions.set(id, [...seen.slice(-8), { version, at: to }]);

    const look = lookOf(memory);
    const known = this.#looks.get(`${id}@${version}`);
    if (known === undefined) this.#looks.set(`${id}@${version}`, look);
    else if (known !== look)
      this.#journal.violate("one version, two contents", user, `${id}@${version} by ${where}: ${known} ≠ ${look}`, id);
  }

  #checkScope(memory: Memory, asked: Asked, user: string, where: string): void {
    const isOwn = memory.user_id === user;
    const isVisible =
      asked.exact ||
      memory.level === "user" ||
      (memory.level === "session" && memory.session_id === asked.session) ||
      (memory.level === "agent" && memory.agent_id === asked.agent);
    if (!isOwn || !isVisible || memory.valid_to !== null)
      this.#journal.violate("returned outside its scope", user, `${JSON.stringify(memory)} by ${where}`, memory.id);
  }
}

/** The memories of an answer: one, or a list of them. */
export function memoriesOf(body: unknown): readonly Memory[] {
  if (typeof body !== "object" || body === null) return [];
  if ("memories" in body && Array.isArray(body.memories)) return body.memories as Memory[];
  return "id" in body && "content" in body ? [body as Memory] : [];
}

/** Everything that a version fixes: all but how often it was told, and what the answer says of itself. */
function lookOf(memory: Memory): string {
  const { content, type, level, key, metadata, importance, user_id, session_id, agent_id, valid_to, created_at } =
    memory;
  const sorted = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([
    content,
    type,
    level,
    key,
    sorted,
    importance,
    user_id,
    session_id,
    agent_id,
    valid_to,
    created_at,
  ]);
}

function placeOf({ user_id, level, session_id, agent_id }: Memory): unknown[] {
  return [user_id, level, level === "session" ? session_id : level === "agent" ? agent_id : null];
}

function stateNameOf(memory: Memory): string | undefined {
  return memory.type === EVENT
    ? undefined
    : JSON.stringify([...placeOf(memory), memory.type, memory.key, memory.content]);
}

function slotNameOf(memory: Memory): string | undefined {
  return memory.type === EVENT || memory.key === null ? undefined : JSON.stringify([...placeOf(memory), memory.key]);
}
