import { setTimeout as sleep } from "node:timers/promises";
import type { Caller } from "./caller.ts";
import { statusOf } from "./hand.ts";
import type { Journal } from "./journal.ts";
import { COMMON_WORD } from "./phrases.ts";
import type { Random } from "./random.ts";
import type { Witness } from "./witness.ts";

const PAUSE_MS = { min: 30, max: 150 } as const;
/** Of the ids that are gone, the latest, where a mistake would show. */
const GONE_LATEST = 200;

export interface ObserverDeps {
  readonly caller: Caller;
  readonly random: Random;
  readonly journal: Journal;
  readonly witness: Witness;
  /** All users there are at this moment. */
  readonly users: () => readonly string[];
}

/** Reads what others write, and leaves it to the witness what no answer may show. */
export async function observe(deps: ObserverDeps, stop: AbortSignal): Promise<void> {
  const { random, users } = deps;
  const ways = {
    list,
    search: (deps: ObserverDeps, user: string) => search(deps, user, { query: COMMON_WORD, limit: 20 }),
    recent: (deps: ObserverDeps, user: string) => search(deps, user, { limit: 20 }),
    gone: readGone,
  };
  while (!stop.aborted) {
    await ways[random.weigh({ list: 3, search: 4, recent: 2, gone: 3 })](deps, random.pick(users()));
    await sleep(random.between(PAUSE_MS.min, PAUSE_MS.max));
  }
}

async function list({ caller }: ObserverDeps, user: string): Promise<void> {
  const path = `/api/memories/user/${user}?limit=50`;
  await caller.call(user, "read", { method: "GET", path }, { exact: true });
}

async function search({ caller }: ObserverDeps, user: string, body: Record<string, unknown>): Promise<void> {
  const path = "/api/memories/search";
  await caller.call(user, "read", { method: "POST", path, body: { user_id: user, ...body } }, { exact: false });
}

/** What is gone is 404, its history too. */
async function readGone({ caller, random, journal, witness }: ObserverDeps, user: string): Promise<void> {
  const ids = witness.goneIds.slice(-GONE_LATEST);
  if (ids.length === 0) return;
  const id = random.pick(ids);
  const path = `/api/memories/${id}${random.chance(0.5) ? "/history" : ""}`;
  const { outcome, where } = await caller.call(user, "read", { method: "GET", path });
  if (statusOf(outcome) === 200)
    journal.violate("returned after its delete was acknowledged", user, `${id} by ${where}`, id);
}
