import type { Caller } from "./caller.ts";
import type { Complain, Identity, State, UserModel } from "./model.ts";
import type { Random } from "./random.ts";
import type { Outcome } from "./exchange.ts";

/** What an act of a client works with. */
export interface Hand {
  readonly caller: Caller;
  readonly random: Random;
  readonly model: UserModel;
  /** A word that was never used before. */
  readonly newWord: () => string;
  /** Something is wrong; `mention` picks the lines of the journal that tell how it came. */
  readonly complain: Complain;
}

/** The body of a write. */
export function toBody(user: string, identity: Identity, state: State): Record<string, unknown> {
  const { level, place, type, key } = identity;
  return {
    user_id: user,
    content: state.content,
    type,
    metadata: state.metadata,
    ...(level === "user" ? {} : { level }),
    ...(level === "session" ? { session_id: place } : {}),
    ...(level === "agent" ? { agent_id: place } : {}),
    ...(key === null ? {} : { key }),
    ...(state.importance === null ? {} : { importance: state.importance }),
  };
}

/** Where a caller has to stand in a search to see a memory of this identity. */
export function placeOf(identity: Identity): { session?: string; agent?: string } {
  if (identity.level === "session") return { session: identity.place ?? "" };
  return identity.level === "agent" ? { agent: identity.place ?? "" } : {};
}

/** The latest few are chosen this often: what is changed while its last change is under way is where things go wrong. */
const RECENT_SHARE = 0.5;
const RECENT_COUNT = 4;

/** One of the entries, often of the latest. */
export function pickOften<Item>(random: Random, items: readonly Item[]): Item {
  return random.pick(random.chance(RECENT_SHARE) ? items.slice(-RECENT_COUNT) : items);
}

export function statusOf(outcome: Outcome): number | undefined {
  return outcome.kind === "answered" ? outcome.status : undefined;
}

/** The field of an answer's body, whatever it is. */
export function fieldOf(outcome: Outcome, name: string): unknown {
  if (outcome.kind !== "answered" || typeof outcome.body !== "object" || outcome.body === null) return undefined;
  return (outcome.body as Record<string, unknown>)[name];
}
