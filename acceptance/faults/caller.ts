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
  readonly #deps: CallerDeps;
  readonly #random: Random;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });

  constructor(deps: CallerDeps, random: Random) {
    this.#deps = deps;
    this.#random = random;
  }

  async call(user: string, act: Act, call: Call, asked?: Asked): Promise<Answer> {
    const { apis, key, journal, witness, tally } = this.#deps;
    const api = this.#random.pick(apis);
    const number = journal.write(user, { act, api: api.name, ...call });
    const from = performance.now();
    const outcome = await send(api.base, key, this.#agent, call);
    const to = performance.now();
    const fate = fateOf(outcome);
    tally.count(act, fate);
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

function isDegraded(outcome: Outcome): boolean {
  return (
    outcome.kind === "answered" &&
    typeof outcome.body === "object" &&
    outcome.body !== null &&
    "degraded" in outcome.body
  );
}
