import { beforeEach, describe, expect, test } from "@jest/globals";
import type { Memory } from "../memories.ts";
import { UserModel, type Identity, type State } from "./model.ts";

const identity: Identity = { level: "user", place: null, type: "fact", key: null };
const slot: Identity = { ...identity, key: "theme" };

function state(content: string, n = 1): State {
  return { content, metadata: { n }, importance: null, seen: { min: 1, max: 1 }, isRetired: false };
}

function shown(id: string, content: string, given: Partial<Memory> = {}): Memory {
  const own = { user_id: "u", level: "user", type: "fact", key: null, importance: null, valid_to: null };
  return { id, content, metadata: { n: 1 }, seen_count: 1, ...own, ...given } as unknown as Memory;
}

describe("what an owner knows of its user", () => {
  let model: UserModel;
  let complaints: string[];
  beforeEach(() => {
    complaints = [];
    model = new UserModel(
      "u",
      (check) => complaints.push(check),
      () => undefined,
    );
  });
  const list = (...memories: Memory[]): void => model.seeAll(memories, () => true, "a listing");

  test("what was acknowledged and is not shown is lost", () => {
    model.learn("a", identity, state("one"));
    list();
    expect(complaints).toEqual(["lost"]);
  });

  test("an update of unknown outcome: before or after, and after that not before", () => {
    const entry = model.learn("a", identity, state("one"));
    entry.maybe = state("two", 2);
    list(shown("a", "one"));
    list(shown("a", "two", { metadata: { n: 2 } }));
    expect(complaints).toEqual([]);
    list(shown("a", "one"));
    expect(complaints).toEqual(["a write is lost, or half of it"]);
  });

  test("an update of unknown outcome: never half", () => {
    model.learn("a", identity, state("one")).maybe = state("two", 2);
    list(shown("a", "two"));
    expect(complaints).toEqual(["a write is lost, or half of it"]);
  });

  test("a create of unknown outcome: once or never, not twice", () => {
    model.pending.push({ identity, state: state("one"), retires: undefined, isRetried: false });
    list();
    list(shown("a", "one"));
    expect(complaints).toEqual([]);
    list(shown("a", "one"), shown("b", "one"));
    expect(complaints).toEqual(["nobody wrote this, or it is doubled"]);
  });

  test("a slot of unknown outcome: the old holder or the new one, never neither", () => {
    const holder = model.learn("a", slot, state("one"));
    holder.maybe = { ...state("one"), isRetired: true };
    model.pending.push({ identity: slot, state: state("two"), retires: holder, isRetried: false });
    list(shown("a", "one", { key: "theme" }));
    expect(complaints).toEqual([]);
    list();
    expect(complaints).toEqual(["lost"]);
    list(shown("b", "two", { key: "theme" }));
    expect(complaints).toEqual(["lost"]);
  });

  test("a delete of unknown outcome that is seen to have happened is certain", () => {
    const entry = model.learn("a", identity, state("one"));
    entry.maybe = "gone";
    list(shown("a", "one"));
    list();
    expect(complaints).toEqual([]);
    list(shown("a", "one"));
    expect(complaints).toHaveLength(1);
  });
});
