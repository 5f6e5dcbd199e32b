import { setTimeout as sleep } from "node:timers/promises";
import type { Caller } from "./caller.ts";
import { KEYS } from "./creates.ts";
import { fieldOf, statusOf } from "./hand.ts";
import type { Journal } from "./journal.ts";
import { phrase } from "./phrases.ts";
import type { Random } from "./random.ts";
import { memoriesOf } from "./witness.ts";

export const SHARED_USERS = ["shared-1", "shared-2"] as const;
const PAUSE_MS = { min: 20, max: 120 } as const;
const COMMON_STATES = 6;

export interface ContenderDeps {
  readonly name: string;
  readonly caller: Caller;
  readonly random: Random;
  readonly journal: Journal;
  /** Slots that an acknowledged write has filled: from then on each has a holder, since nobody deletes here. */
  readonly filled: Set<string>;
  /** The id of each state that several tell, as first acknowledged. */
  readonly ids: Map<string, string>;
}

/** Writes to users that others write to as well: the same slots, the same states. */
export async function contend(deps: ContenderDeps, stop: AbortSignal): Promise<void> {
  const { name, random } = deps;
  for (let n = 1; !stop.aborted; n += 1) {
    const user = random.pick(SHARED_USERS);
    if (random.chance(0.6)) await fillSlot(deps, user, `${name}x${n}`);
    else await tellCommon(deps, user);
    await sleep(random.between(PAUSE_MS.min, PAUSE_MS.max));
  }
}

async function fillSlot({ caller, random, journal, filled }: ContenderDeps, user: string, word: string): Promise<void> {
  const key = random.pick(KEYS);
  const body = { user_id: user, content: phrase(random, word), type: "preference", key };
  const { fate } = await caller.change(user, "write", { method: "POST", path: "/api/memories", body });
  if (fate === "acknowledged") filled.add(`${user} ${key}`);
  const wasFilled = filled.has(`${user} ${key}`);
  const query = new URLSearchParams({ key, limit: "1000" });
  const path = `/api/memories/user/${user}?${query.toString()}`;
  const { outcome, where } = await caller.call(user, "read", { method: "GET", path }, { exact: true });
  if (statusOf(outcome) !== 200 || outcome.kind !== "answered") return;
  // More than one is the witness's to see.
  if (wasFilled && memoriesOf(outcome.body).length === 0)
    journal.violate("a slot without a holder", user, `${key} by ${where}`, key);
}

async function tellCommon({ caller, random, journal, ids }: ContenderDeps, user: string): Promise<void> {
  const content = `пользователь помнит правило номер ${random.between(1, COMMON_STATES)}`;
  const body = { user_id: user, content };
  const { fate, outcome, where } = await caller.change(user, "write", { method: "POST", path: "/api/memories", body });
  if (fate !== "acknowledged") return;
  const id = String(fieldOf(outcome, "id"));
  const known = ids.get(`${user} ${content}`);
  if (known === undefined) ids.set(`${user} ${content}`, id);
  else if (known !== id) journal.violate("one state, two ids", user, `${known} and ${id} by ${where}`, id);
}
