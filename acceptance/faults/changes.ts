import { fieldOf, pickOften, statusOf, type Hand } from "./hand.ts";
import { EVENT, type Entry, type Settled, type State } from "./model.ts";
import type { Call } from "./exchange.ts";
import { phrase } from "./phrases.ts";

type Change = Pick<Call, "method"> & { readonly body: Record<string, unknown>; readonly after: State };

/** PUT or PATCH of a memory that is certain. */
export async function update(hand: Hand): Promise<Entry | undefined> {
  const { caller, model, random } = hand;
  if (model.settled.length === 0) return undefined;
  const entry = pickOften(random, model.settled);
  const { method, body, after } = changeOf(hand, entry.state);
  const { fate, outcome, where } = await caller.change(model.user, "update", {
    method,
    path: `/api/memories/${entry.id}`,
    body,
  });
  entry.contents.add(after.content);
  if (fate === "acknowledged") {
    if (after.content !== entry.state.content) entry.former = entry.state.content;
    entry.state = after;
  } else if (fate === "unknown") entry.maybe = after;
  else if (outcome.kind === "answered" && outcome.status !== 429)
    hand.complain("an update was refused", `${entry.id} by ${where}: ${outcome.status}`, entry.id);
  return fate === "acknowledged" ? entry : undefined;
}

function changeOf(hand: Hand, state: State): Change {
  const { random } = hand;
  const word = hand.newWord();
  const content = phrase(random, word);
  const metadata = { word, n: random.between(1, 1_000_000) };
  const merged = { ...state.metadata, ...metadata };
  const importance = random.between(0, 8) / 8;
  const changes: Record<"content" | "merge" | "replace" | "all", Change> = {
    content: { method: "PUT", body: { content, metadata }, after: { ...state, content, metadata } },
    merge: { method: "PATCH", body: { metadata }, after: { ...state, metadata: merged } },
    replace: { method: "PUT", body: { metadata }, after: { ...state, metadata } },
    all: {
      method: "PATCH",
      body: { content, metadata, importance },
      after: { ...state, content, metadata: merged, importance },
    },
  };
  return changes[random.weigh({ content: 4, merge: 3, replace: 2, all: 1 })];
}

/** Into the text of a twin: 409 with the twin's id, and no effect. */
export async function collide(hand: Hand): Promise<undefined> {
  const { caller, model, random } = hand;
  const states = model.settled.filter(({ identity }) => identity.type !== EVENT && identity.key === null);
  if (states.length === 0) return;
  const twin = random.pick(states);
  const others = states.filter((one) => one !== twin && isSibling(one, twin));
  if (others.length === 0) return;
  const entry = random.pick(others);
  const { fate, outcome, where } = await caller.change(model.user, "update", {
    method: "PUT",
    path: `/api/memories/${entry.id}`,
    body: { content: twin.state.content },
  });
  if (outcome.kind !== "answered" || fate === "unknown" || outcome.status === 429) return;
  const details = fieldOf(outcome, "details") as readonly { id?: string }[] | undefined;
  if (outcome.status !== 409 || details?.[0]?.id !== twin.id)
    hand.complain("an update into a twin was not refused", `${entry.id} into ${twin.id} by ${where}`, entry.id);
}

function isSibling(a: Settled, b: Settled): boolean {
  return (
    a.identity.level === b.identity.level &&
    a.identity.place === b.identity.place &&
    a.identity.type === b.identity.type
  );
}

/** By id; what may be gone already is asked for again. */
export async function remove(hand: Hand): Promise<undefined> {
  const { caller, model, random } = hand;
  const there = [...model.entries.values()].filter(
    (entry) => entry.state !== "gone" && (entry.maybe === undefined || entry.maybe === "gone"),
  );
  if (there.length === 0) return;
  const entry = pickOften(random, there);
  const { fate, outcome, where } = await caller.change(model.user, "delete", {
    method: "DELETE",
    path: `/api/memories/${entry.id}`,
  });
  if (fate === "acknowledged") model.settleGone([entry]);
  else if (fate === "unknown") entry.maybe = "gone";
  else if (statusOf(outcome) === 404) model.missed(entry, where);
}

/** All of a user, or those of one type or session. Without an answer the user is given up: what comes next may be hit. */
export async function removeMany(hand: Hand): Promise<undefined> {
  const { caller, model, random } = hand;
  const filter = random.pick([{}, { type: "fact" }, { type: EVENT }, { level: "session", session_id: "s1" }] as const);
  const { fate, outcome, where } = await caller.change(model.user, "delete", {
    method: "DELETE",
    path: `/api/memories/user/${model.user}?${new URLSearchParams(filter).toString()}`,
  });
  model.isGivenUp = fate === "unknown";
  if (fate !== "acknowledged") return;
  const there = [...model.entries.values()].filter((entry) => entry.state !== "gone" && isChosen(entry, filter));
  const certain = there.filter((entry) => entry.maybe !== "gone").length;
  const possible = there.length + model.pending.length;
  const deleted = Number(fieldOf(outcome, "deleted"));
  if (deleted < certain || deleted > possible)
    hand.complain(
      "a delete by user took too few or too many",
      `${deleted}, not ${certain} to ${possible}, by ${where}`,
    );
  model.settleGone(there);
}

function isChosen({ identity }: Entry, filter: { type?: string; level?: string; session_id?: string }): boolean {
  return (
    (filter.type === undefined || identity.type === filter.type) &&
    (filter.level === undefined || (identity.level === filter.level && identity.place === filter.session_id))
  );
}
