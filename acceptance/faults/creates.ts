import { fieldOf, statusOf, toBody, type Hand } from "./hand.ts";
import { EVENT, type Entry, type Identity, type State } from "./model.ts";
import { phrase } from "./phrases.ts";
import type { Random } from "./random.ts";
import type { Memory } from "../memories.ts";

const TYPES = ["fact", "preference", "pattern", EVENT] as const;
const PLACES = { session: ["s1", "s2", "s3"], agent: ["a1", "a2"] } as const;
export const KEYS = ["theme", "language", "city"] as const;
const BULK_ITEMS_MAX = 15;
/** Of all writes, those that wait until they are indexed. */
const WAITING_SHARE = 0.03;

function newIdentity(random: Random, { slot }: { slot: boolean }): Identity {
  const level = random.weigh({ user: 8, session: 1, agent: 1 });
  return {
    level,
    place: level === "user" ? null : random.pick(PLACES[level]),
    type: slot ? "preference" : random.pick(TYPES),
    key: slot ? random.pick(KEYS) : null,
  };
}

/** Told again it is the same memory, and whoever tells it retires nobody. */
function isMergeable({ type, key }: Identity): boolean {
  return type !== EVENT && key === null;
}

function newState({ random, newWord }: Hand): State {
  const word = newWord();
  return {
    content: phrase(random, word),
    metadata: { word, n: random.between(1, 1_000_000) },
    importance: random.chance(0.2) ? random.between(1, 9) / 8 - 0.125 : null,
    seen: { min: 1, max: 1 },
    isRetired: false,
  };
}

/** A new state or event; where its slot is certain, also into a slot. */
export async function create(hand: Hand): Promise<Entry | undefined> {
  const { caller, model, random } = hand;
  const identity = newIdentity(random, { slot: random.chance(0.25) });
  const holder = identity.key === null ? undefined : model.holderOf(identity);
  if (holder === "busy") return undefined;
  const state = newState(hand);
  const body = { ...toBody(model.user, identity, state), ...(random.chance(WAITING_SHARE) ? { wait: 1 } : {}) };
  const { fate, outcome, where } = await caller.change(model.user, "write", {
    method: "POST",
    path: "/api/memories",
    body,
  });
  if (fate === "acknowledged") {
    if (statusOf(outcome) !== 201) hand.complain("a new memory was taken for a known one", where, state.content);
    const entry = model.learn(String(fieldOf(outcome, "id")), identity, state);
    if (outcome.kind === "answered") model.see(outcome.body as Memory, where);
    if (holder !== undefined) holder.state = { ...holder.state, isRetired: true };
    return entry;
  }
  if (fate === "unknown") {
    model.pending.push({ identity, state, retires: holder, isRetried: false });
    if (holder !== undefined) holder.maybe = { ...holder.state, isRetired: true };
  }
  return undefined;
}

/** The same state once more, with newer metadata: the same memory, told once more. */
export async function repeat(hand: Hand): Promise<Entry | undefined> {
  const { caller, model, random } = hand;
  const states = model.settled.filter((entry) => isMergeable(entry.identity));
  if (states.length === 0) return undefined;
  const entry = random.pick(states);
  const before = entry.state;
  const told = { ...before, metadata: { again: random.between(1, 1_000_000) }, importance: null };
  const after: State = {
    ...before,
    metadata: { ...before.metadata, ...told.metadata },
    seen: { min: before.seen.min + 1, max: before.seen.max + 1 },
  };
  const body = toBody(model.user, entry.identity, told);
  const { fate, outcome, where } = await caller.change(model.user, "write", {
    method: "POST",
    path: "/api/memories",
    body,
  });
  if (fate === "acknowledged") {
    if (statusOf(outcome) !== 200 || fieldOf(outcome, "id") !== entry.id)
      hand.complain("a known state was taken for a new one", `${entry.id} by ${where}`, entry.id);
    entry.state = after;
    return entry;
  }
  if (fate === "unknown") {
    entry.maybe = after;
    // Should it land after a delete, it is a memory of its own.
    model.pending.push({ identity: entry.identity, state: told, retires: undefined, isRetried: true });
  }
  return undefined;
}

/** As a client that had no answer does: the same call again. States do not double by it. */
export async function retry(hand: Hand): Promise<Entry | undefined> {
  const { caller, model, random } = hand;
  const open = model.pending.filter((one) => !one.isRetried && model.isAlone(one) && isMergeable(one.identity));
  if (open.length === 0) return undefined;
  const pending = random.pick(open);
  pending.isRetried = true;
  const { identity, state } = pending;
  const { fate, outcome, where } = await caller.change(model.user, "write", {
    method: "POST",
    path: "/api/memories",
    body: toBody(model.user, identity, state),
  });
  if (fate === "acknowledged" && outcome.kind === "answered") {
    // 201: the first call has not landed yet, and may still, as a second telling. 200: it had.
    const isFirst = outcome.status === 201;
    if (!isFirst) model.pending.splice(model.pending.indexOf(pending), 1);
    const id = String(fieldOf(outcome, "id"));
    const known = model.entries.get(id);
    if (known !== undefined) {
      hand.complain("a known state was pending too", `${id} by ${where}`, id);
      return undefined;
    }
    const entry = model.learn(id, identity, { ...state, seen: isFirst ? { min: 1, max: 2 } : { min: 2, max: 2 } });
    entry.isUnsettled = isFirst;
    return entry;
  }
  if (fate === "unknown") model.pending.push({ ...pending });
  return undefined;
}

/** Many at once, one bad item and one state twice among them. */
export async function createMany(hand: Hand): Promise<Entry | undefined> {
  const { caller, model, random } = hand;
  const items = Array.from({ length: random.between(2, BULK_ITEMS_MAX) }, () => ({
    identity: newIdentity(random, { slot: false }),
    state: newState(hand),
  }));
  const twice = items.find(({ identity }) => identity.type !== EVENT);
  if (twice !== undefined) items.push(twice);
  const bodies: unknown[] = items.map(({ identity, state }) => toBody(model.user, identity, state));
  bodies.push({ user_id: model.user, content: "" });
  const { fate, outcome, where } = await caller.change(model.user, "write", {
    method: "POST",
    path: "/api/memories/bulk",
    body: { memories: bodies },
  });
  if (fate === "unknown")
    for (const { identity, state } of items)
      model.pending.push({ identity, state, retires: undefined, isRetried: false });
  if (fate !== "acknowledged") return undefined;
  const results = fieldOf(outcome, "results") as readonly { id?: string; error?: string }[];
  const entries = items.map(({ identity, state }, i) => {
    const id = results[i]?.id;
    if (id === undefined) hand.complain("a good item of a bulk failed", `item ${i} by ${where}`, state.content);
    const isTwice = twice !== undefined && state === twice.state;
    return model.learn(id ?? "", identity, isTwice ? { ...state, seen: { min: 2, max: 2 } } : state);
  });
  if (twice !== undefined && entries.at(-1)?.id !== entries[items.indexOf(twice)]?.id)
    hand.complain("one state of a bulk became two", where, twice.state.content);
  if (results.at(-1)?.error === undefined) hand.complain("a bad item of a bulk was taken", where);
  return random.pick(entries);
}
