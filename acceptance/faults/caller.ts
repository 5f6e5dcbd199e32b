import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { send, type Call, type Outcome } from "./exchange.ts";
import type { Journal } from "./journal.ts";
import type { Random } from "./random.ts";
import type { Service } from "./service.ts";
import { fateOf, type Act, type Fate, type Tally } from "./tally.ts";
import { memoriesOf, type Asked, type Witness } from "./witness.ts";

/** A client that was turned away does not come back at once. */
const AFTER_FAILURE_MS = 250;
/** Of all changes, those with an Idempotency-Key; and of those that are acknowledged, how many are sent once more. */
const KEYED_SHARE = 0.5;
const REPLAY_SHARE = 0.05;
/** Together longer than a database takes to come back. */
const ATTEMPTS_MAX = 6;
const RETRY_MS = 300;

export interface CallerDeps {
  readonly apis: readonly Service[];
  readonly key: string;
  readonly journal: Journal;
  readonly witness: Witness;
  readonly tally: Tally;
}

export interface Answer {
  readonly fate: Fate;
  readonly outcome: Outcome;
  /** By `performance.now()`, when it came. */
  readonly at: number;
  /** For messages. */
  readonly where: string;
}

/** One client's way to the service: writes down, sends to an API by chance, shows the answer to the witness. */
export class Caller {
  readonly #name: string;
  readonly #deps: CallerDeps;
  readonly #random: Random;
  #keys = 0;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });

  constructor(name: string, deps: CallerDeps, random: Random) {
    this.#name = name;
    this.#deps = deps;
    this.#random = random;
  }

  /** One call, whatever comes of it. */
  async call(user: string, act: Act, call: Call, asked?: Asked): Promise<Answer> {
    const answer = await this.#send(user, act, call, asked);
    this.#deps.tally.count(act, answer.fate);
    return answer;
  }

  /**
   * A write, an update or a delete: often under an Idempotency-Key, and then again and again under the same until it is
   * known what became of it. Acknowledged, it has happened once, whatever its forerunners may still do.
   */
  async change(user: string, act: Act, call: Call): Promise<Answer> {
    const { tally } = this.#deps;
    if (!this.#random.chance(KEYED_SHARE)) return this.call(user, act, call);
    const keyed = { ...call, key: `${this.#name}-key-${(this.#keys += 1)}` };
    let answer = await this.#send(user, act, keyed);
    let isOpen = answer.fate === "unknown";
    for (let n = 1; n < ATTEMPTS_MAX && mayRetry(answer); n += 1) {
      await sleep(RETRY_MS * n);
      tally.retries += 1;
      answer = await this.#send(user, act, keyed);
      isOpen ||= answer.fate === "unknown";
    }
    // Turned away in the end: an earlier attempt may still land.
    if (isOpen && mayRetry(answer)) answer = { ...answer, fate: "unknown" };
    tally.count(act, answer.fate);
    if (answer.fate === "acknowledged" && this.#random.chance(REPLAY_SHARE))
      await this.#replay(user, act, keyed, answer);
    return answer;
  }

  /** The same once more: the same answer, and no effect. */
  async #replay(user: string, act: Act, call: Call, first: Answer): Promise<void> {
    const again = await this.#send(user, act, call);
    if (mayRetry(again) || again.outcome.kind !== "answered" || first.outcome.kind !== "answered") return;
    const [known, told] = [first.outcome, again.outcome];
    if (!told.isReplay || told.status !== known.status || JSON.stringify(told.body) !== JSON.stringify(known.body))
      this.#deps.journal.violate("one key, two answers", user, `${first.where} and ${again.where}`, call.key);
  }

  async #send(user: string, act: Act, call: Call, asked?: Asked): Promise<Answer> {
    const { apis, key, journal, witness, tally } = this.#deps;
    const api = this.#random.pick(apis);
    const number = journal.write(user, { act, api: api.name, ...call });
    const from = performance.now();
    const outcome = await send(api.base, key, this.#agent, call);
    const to = performance.now();
    const fate = fateOf(outcome);
    journal.write(user, { of: number, ms: Math.round(to - from), fate, ...shorten(act, outcome) });
    if (isDegraded(outcome)) tally.degradedSearches += 1;
    witness.examine({ api: api.name, user, call, outcome, from, to }, asked);
    if (outcome.kind !== "answered" || outcome.status >= 500) await sleep(AFTER_FAILURE_MS);
    return { fate, outcome, at: to, where: `${call.method} ${call.path} at ${api.name} (line ${number})` };
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Of a read only what it showed, by id and version: the whole would be most of the file. */
function shorten(act: Act, outcome: Outcome): Record<string, unknown> {
  if (outcome.kind !== "answered") return { ...outcome };
  const { status, body } = outcome;
  const memories = memoriesOf(body);
  if (act !== "read" || memories.length === 0) return { status, body };
  return { status, shown: memories.map(({ id, version }) => `${id}@${version}`) };
}

/** Nobody knows what became of it, or it was turned away for now: as a client does, the same once more. */
function mayRetry({ fate, outcome }: Answer): boolean {
  if (outcome.kind !== "answered") return true;
  return fate === "unknown" || outcome.status === 429 || (outcome.status === 409 && isOverKey(outcome.body));
}

/** 409 because another request under the same key is under way. */
function isOverKey(body: unknown): boolean {
  return JSON.stringify(body).includes('"Idempotency-Key"');
}

function isDegraded(outcome: Outcome): boolean {
  return (
    outcome.kind === "answered" &&
    typeof outcome.body === "object" &&
    outcome.body !== null &&
    "degraded" in outcome.body
  );
}
