import type { Memory } from "../memories.ts";

/** What decides, with the content, whether two states are the same memory. */
export interface Identity {
  readonly level: "user" | "session" | "agent";
  /** The session or the agent of a level that has one. */
  readonly place: string | null;
  readonly type: string;
  readonly key: string | null;
}

/** How a memory stands. */
export interface State {
  readonly content: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly importance: number | null;
  /** How often it was told, between two bounds where an answer is missing. */
  readonly seen: { readonly min: number; readonly max: number };
  readonly isRetired: boolean;
}

/** A memory whose id is known. */
export interface Entry {
  readonly id: string;
  readonly identity: Identity;
  /** Everything it ever said. */
  readonly contents: Set<string>;
  /** What it said before the latest acknowledged change of its text. */
  former: string | undefined;
  state: State | "gone";
  /** What a call whose outcome is unknown may have made of it, or may still make. */
  maybe: State | "gone" | undefined;
  /** True: a call may still land although a later one was acknowledged; only a delete is safe. */
  isUnsettled: boolean;
}

/** A memory that a call of unknown outcome may have created, or may still create. */
export interface Pending {
  readonly identity: Identity;
  readonly state: State;
  /** The holder of its slot, which it retires. */
  readonly retires: Entry | undefined;
  isRetried: boolean;
}

/** Told of what is wrong: the check, what was seen, and the id or content that it is about. */
export type Complain = (check: string, detail: string, mention?: string) => void;

export const EVENT = "interaction";

/**
 * What one client knows of its own user's memories. It sends one call after another, so whatever was acknowledged is
 * certain; whatever was not may be either way, until a read tells.
 */
export class UserModel {
  readonly user: string;
  readonly entries = new Map<string, Entry>();
  readonly pending: Pending[] = [];
  /** True: nobody knows any more what it may show, since a delete by filter may still land. */
  isGivenUp = false;
  readonly #complain: Complain;
  /** Told of ids that are found to be gone. */
  readonly #onGone: (ids: readonly string[]) => void;

  constructor(user: string, complain: Complain, onGone: (ids: readonly string[]) => void) {
    this.user = user;
    this.#complain = complain;
    this.#onGone = onGone;
  }

  /** Memories that are live for certain, with no call in the air. */
  get settled(): readonly Settled[] {
    return [...this.entries.values()].filter(isSettled);
  }

  /** The settled holder of the slot; "busy" where that is not certain. */
  holderOf(identity: Identity): Settled | undefined | "busy" {
    if (this.pending.some((one) => sameSlot(one.identity, identity))) return "busy";
    const inSlot = [...this.entries.values()].filter((entry) => sameSlot(entry.identity, identity) && mayBeLive(entry));
    const [only] = inSlot;
    if (only === undefined) return undefined;
    return inSlot.length === 1 && isSettled(only) ? only : "busy";
  }

  /** Whether no other call is open that told the same. */
  isAlone(pending: Pending): boolean {
    return this.#tellingsOf(pending.identity, pending.state.content).length === 1;
  }

  /** A memory that the service has acknowledged. */
  learn(id: string, identity: Identity, state: State): Entry {
    const entry: Entry = {
      id,
      identity,
      contents: new Set([state.content]),
      former: undefined,
      state,
      maybe: undefined,
      isUnsettled: false,
    };
    this.entries.set(id, entry);
    return entry;
  }

  /** Compares a memory that was shown with what may be; settles what was open. */
  see(memory: Memory, where: string): void {
    const entry = this.entries.get(memory.id) ?? this.#adopt(memory);
    if (entry === undefined) {
      this.#complain("nobody wrote this, or it is doubled", `${JSON.stringify(memory)} by ${where}`, memory.content);
      return;
    }
    if (entry.state !== "gone" && matches(memory, entry.state)) {
      entry.state = { ...entry.state, seen: { min: memory.seen_count, max: entry.state.seen.max } };
      return;
    }
    if (entry.maybe !== undefined && entry.maybe !== "gone" && matches(memory, entry.maybe)) {
      entry.state = entry.maybe;
      entry.maybe = undefined;
      return;
    }
    this.#complain(
      entry.state === "gone" ? "resurrected" : "a write is lost, or half of it",
      `${JSON.stringify(memory)} by ${where}; known: ${JSON.stringify({ state: entry.state, maybe: entry.maybe })}`,
      memory.id,
    );
  }

  /** A read by id found nothing. */
  missed(entry: Entry, where: string): void {
    if (entry.state === "gone") return;
    if (entry.maybe === "gone") {
      this.settleGone([entry]);
      return;
    }
    this.#complain("lost", `${entry.id} by ${where}; known: ${JSON.stringify(entry.state)}`, entry.id);
  }

  /** All live memories that `includes` lets through, as one statement saw them. */
  seeAll(memories: readonly Memory[], includes: (identity: Identity) => boolean, where: string): void {
    for (const memory of memories) this.see(memory, where);
    const shown = new Set(memories.map((memory) => memory.id));
    for (const entry of this.entries.values()) {
      if (shown.has(entry.id) || !includes(entry.identity) || !isLive(entry.state)) continue;
      // Not shown, although live when last seen: deleted, or retired by the newcomer that was shown instead.
      if (entry.maybe === "gone") this.settleGone([entry]);
      else this.#complain("lost", `${entry.id} by ${where}; known: ${JSON.stringify(entry)}`, entry.id);
    }
  }

  settleGone(entries: readonly Entry[]): void {
    for (const entry of entries) {
      entry.state = "gone";
      entry.maybe = undefined;
      // The witness remembers it.
      this.entries.delete(entry.id);
    }
    this.#onGone(entries.map((entry) => entry.id));
  }

  /** Takes back the call of unknown outcome that made this memory. */
  #adopt(memory: Memory): Entry | undefined {
    const same = this.#tellingsOf(identityOf(memory), memory.content);
    const [first] = same;
    if (first === undefined) return undefined;
    const told = memory.type === EVENT ? 1 : Math.min(same.length, memory.seen_count);
    for (const one of same.slice(0, told)) this.pending.splice(this.pending.indexOf(one), 1);
    const max = memory.type === EVENT ? 1 : same.length;
    const entry = this.learn(memory.id, first.identity, { ...first.state, seen: { min: told, max } });
    if (first.retires !== undefined && first.retires.state !== "gone") {
      first.retires.state = { ...first.retires.state, isRetired: true };
      first.retires.maybe = undefined;
    }
    return entry;
  }

  #tellingsOf(identity: Identity, content: string): readonly Pending[] {
    return this.pending.filter((one) => sameIdentity(one.identity, identity) && one.state.content === content);
  }
}

/** An entry that is live for certain. */
export interface Settled extends Entry {
  state: State;
}

function isSettled(entry: Entry): entry is Settled {
  return isLive(entry.state) && entry.maybe === undefined && !entry.isUnsettled;
}

function isLive(state: State | "gone"): state is State {
  return state !== "gone" && !state.isRetired;
}

function mayBeLive(entry: Entry): boolean {
  return isLive(entry.state) || (entry.maybe !== undefined && isLive(entry.maybe));
}

function sameIdentity(a: Identity, b: Identity): boolean {
  return a.level === b.level && a.place === b.place && a.type === b.type && a.key === b.key;
}

/** Equal states with a key hold one slot, whatever their type; an event holds none. */
function sameSlot(a: Identity, b: Identity): boolean {
  return a.key !== null && a.key === b.key && a.level === b.level && a.place === b.place;
}

export function identityOf(memory: Memory): Identity {
  const level = memory.level as Identity["level"];
  const place = level === "session" ? memory.session_id : level === "agent" ? memory.agent_id : null;
  return { level, place, type: memory.type, key: memory.key };
}

function matches(memory: Memory, state: State): boolean {
  return (
    memory.content === state.content &&
    memory.importance === state.importance &&
    (memory.valid_to !== null) === state.isRetired &&
    memory.seen_count >= state.seen.min &&
    memory.seen_count <= state.seen.max &&
    isEqual(memory.metadata, state.metadata)
  );
}

function isEqual(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
