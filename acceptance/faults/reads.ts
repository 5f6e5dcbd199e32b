import type { Memory } from "../memories.ts";
import { fieldOf, placeOf, statusOf, type Hand } from "./hand.ts";
import type { Entry, Identity, Settled } from "./model.ts";
import { COMMON_WORD, sayingOf, wordOf } from "./phrases.ts";
import { memoriesOf } from "./witness.ts";

const LIST_LIMIT = 1_000;
const PAGE_LIMIT = 7;
const PAGES_MAX = 100;

/** Reads what was just written, at either API, in one of the ways there are. */
export async function verify(hand: Hand, entry: Entry): Promise<void> {
  const ways = { get, find, findFormer, list, history };
  await ways[hand.random.weigh({ get: 3, find: 3, findFormer: 2, list: 2, history: 1 })](hand, entry);
}

/** Reads all of a user, in one of the ways there are. */
export async function readAll(hand: Hand): Promise<undefined> {
  await hand.random.pick([list, listPages, searchCommon, searchRecent])(hand);
}

/** By id: as it is known to be, or 404 where it may be gone. */
async function get(hand: Hand, entry: Entry): Promise<void> {
  const { outcome, where } = await hand.caller.call(hand.model.user, "read", {
    method: "GET",
    path: `/api/memories/${entry.id}`,
  });
  if (statusOf(outcome) === 404) hand.model.missed(entry, where);
  for (const memory of memoriesOf(answered(outcome))) hand.model.see(memory, where);
}

/** By its own word: a memory is found the moment it is acknowledged, whatever is away. */
async function find(hand: Hand, entry: Entry): Promise<void> {
  if (entry.state === "gone" || entry.state.isRetired || entry.maybe !== undefined) return;
  const { outcome, where } = await search(hand, entry.identity, { query: wordOf(entry.state.content) });
  if (statusOf(outcome) !== 200) return;
  const memories = memoriesOf(answered(outcome));
  for (const memory of memories) hand.model.see(memory, where);
  if (!memories.some((memory) => memory.id === entry.id))
    hand.complain("not found by its own word", `${entry.id} by ${where}`, entry.id);
}

/**
 * By what it said before its text was changed. The vector of the old text may still be there; were it counted, the memory
 * would come before those that still say it.
 */
async function findFormer(hand: Hand, entry: Entry): Promise<void> {
  const { former, state, identity } = entry;
  if (former === undefined || state === "gone" || sayingOf(former) === sayingOf(state.content)) return;
  const isLike = (other: Settled): boolean =>
    other.identity.level === "user" && sayingOf(other.state.content) === sayingOf(former);
  if (!hand.model.settled.some(isLike)) return;
  const { outcome, where } = await search(hand, identity, { query: former, limit: 1 });
  const memories = memoriesOf(answered(outcome));
  for (const memory of memories) hand.model.see(memory, where);
  if (memories[0]?.id === entry.id)
    hand.complain("found by what it no longer says", `${entry.id} by ${where}`, entry.id);
}

/** By a word that all have: as many as asked for, if there are as many. */
async function searchCommon(hand: Hand): Promise<void> {
  const limit = hand.random.pick([3, 10, 30]);
  const { outcome, where } = await search(hand, undefined, { query: COMMON_WORD, limit });
  if (statusOf(outcome) !== 200) return;
  const memories = memoriesOf(answered(outcome));
  for (const memory of memories) hand.model.see(memory, where);
  const there = hand.model.settled.filter(({ identity }) => identity.level === "user").length;
  if (memories.length > limit || memories.length < Math.min(limit, there))
    hand.complain("a search returned too few or too many", `${memories.length} of ${limit}, ${there} there, ${where}`);
}

/** Without a query: all of them, the user's own and those of one session and agent. */
export async function searchRecent(hand: Hand): Promise<void> {
  const { outcome, where } = await search(hand, undefined, { limit: LIST_LIMIT });
  if (statusOf(outcome) !== 200) return;
  hand.model.seeAll(memoriesOf(answered(outcome)), (identity) => identity.level === "user", where);
}

/** The whole of the user, as one statement sees it. */
export async function list(hand: Hand): Promise<void> {
  const { model, caller } = hand;
  const { outcome, where } = await caller.call(
    model.user,
    "read",
    { method: "GET", path: `/api/memories/user/${model.user}?limit=${LIST_LIMIT}` },
    { exact: true },
  );
  if (statusOf(outcome) !== 200) return;
  const memories = memoriesOf(answered(outcome));
  model.seeAll(memories, () => true, where);
  if (fieldOf(outcome, "total") !== memories.length)
    hand.complain(
      "a listing's total is wrong",
      `${String(fieldOf(outcome, "total"))}, not ${memories.length}, ${where}`,
    );
}

/** Page by page, at either API by turns: nothing twice, and nothing that stood from first to last is left out. */
async function listPages(hand: Hand): Promise<void> {
  const { model, caller } = hand;
  const there = model.settled;
  const ids = new Set<string>();
  let cursor: unknown = "";
  for (let page = 0; page < PAGES_MAX && typeof cursor === "string"; page += 1) {
    const query = new URLSearchParams({ limit: String(PAGE_LIMIT), ...(cursor === "" ? {} : { cursor }) });
    const path = `/api/memories/user/${model.user}?${query.toString()}`;
    const { outcome, where } = await caller.call(model.user, "read", { method: "GET", path }, { exact: true });
    if (statusOf(outcome) !== 200) return;
    for (const memory of memoriesOf(answered(outcome))) {
      if (ids.has(memory.id)) hand.complain("an id on two pages", `${memory.id} by ${where}`, memory.id);
      ids.add(memory.id);
      model.see(memory, where);
    }
    cursor = fieldOf(outcome, "next_cursor");
  }
  const missing = there.find((entry) => !ids.has(entry.id));
  if (missing !== undefined) hand.complain("left out between two pages", missing.id, missing.id);
}

/** Every version, newest first, each with something that was really said. */
async function history(hand: Hand, entry: Entry): Promise<void> {
  const { outcome, where } = await hand.caller.call(hand.model.user, "read", {
    method: "GET",
    path: `/api/memories/${entry.id}/history`,
  });
  if (statusOf(outcome) === 404) hand.model.missed(entry, where);
  if (statusOf(outcome) !== 200) return;
  const versions = fieldOf(outcome, "history") as readonly { version: number; memory: Memory }[];
  const isFalling = versions.every(({ version }, i) => i === 0 || version < (versions[i - 1]?.version ?? 0));
  const isSaid = versions.every(({ memory }) => entry.contents.has(memory.content));
  if (!isFalling || !isSaid || versions.length === 0 || entry.state === "gone")
    hand.complain("a history is wrong", `${JSON.stringify(versions)} by ${where}`, entry.id);
}

async function search(hand: Hand, identity: Identity | undefined, body: Record<string, unknown>) {
  const { session, agent } = identity === undefined ? {} : placeOf(identity);
  return hand.caller.call(
    hand.model.user,
    "read",
    {
      method: "POST",
      path: "/api/memories/search",
      body: {
        user_id: hand.model.user,
        ...(session === undefined ? {} : { session_id: session }),
        ...(agent === undefined ? {} : { agent_id: agent }),
        ...body,
      },
    },
    { exact: false, ...(session === undefined ? {} : { session }), ...(agent === undefined ? {} : { agent }) },
  );
}

function answered(outcome: { kind: string; body?: unknown }): unknown {
  return outcome.kind === "answered" ? outcome.body : undefined;
}
