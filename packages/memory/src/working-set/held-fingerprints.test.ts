import { expect, test } from "@jest/globals";
import { hashFingerprint } from "../fingerprint.ts";
import type { Memory } from "../memory.ts";
import type { SearchableRow } from "../ports/index.ts";
import { heldFingerprints } from "./held-fingerprints.ts";
import { emptySet, patch } from "./working-set.ts";

const row: SearchableRow = {
  id: "a",
  version: 2,
  level: "user",
  type: "fact",
  sessionId: null,
  sessionIds: [],
  agentIds: [],
  createdAt: 0,
  expiresAt: Infinity,
  lexemes: [],
  counts: [],
  contents: undefined,
};
const memory = (id: string, version: number, content: string) => ({ id, version, userId: "u", content }) as Memory;

test("a memory is taken for what is held in its version alone", () => {
  const set = patch(emptySet(undefined), new Set(), [{ row }]);
  const told = [memory("a", 2, "Tea"), memory("a", 1, "Coffee"), memory("a", 3, "Cocoa"), memory("b", 2, "Milk")];
  for (const [round, fingerprintOf] of [heldFingerprints(set), heldFingerprints(set)].entries())
    for (const one of told)
      expect([round, one.content, fingerprintOf(one)]).toEqual([round, one.content, hashFingerprint(one)]);
  const next = patch(set, new Set(["a"]), [{ row: { ...row, version: 3 } }]);
  for (const one of told) expect(heldFingerprints(next)(one)).toBe(hashFingerprint(one));
});

test("it is made once for as long as the memory is held as it is", () => {
  const set = patch(emptySet(undefined), new Set(), [{ row }]);
  let read = 0;
  const counted = {
    id: "a",
    version: 2,
    userId: "u",
    get content() {
      read += 1;
      return "Tea";
    },
  } as unknown as Memory;
  const first = heldFingerprints(set)(counted);
  const reads = read;
  expect(heldFingerprints(patch(set, new Set(), [{ row: { ...row, id: "b" } }]))(counted)).toBe(first);
  expect(read).toBe(reads);
});
