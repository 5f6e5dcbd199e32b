import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Outcome } from "./exchange.ts";
import { Journal } from "./journal.ts";
import { Troubles } from "./troubles.ts";
import { Witness } from "./witness.ts";

const call = { method: "GET", path: "/api/memories/user/u" } as const;
const memory = {
  id: "a",
  user_id: "u",
  level: "user",
  type: "fact",
  key: null,
  content: "one",
  metadata: {},
  valid_to: null,
  version: 5,
};

function answered(...memories: object[]): Outcome {
  return { kind: "answered", status: 200, body: { memories }, isReplay: false };
}

describe("the witness", () => {
  let folder: string;
  let journal: Journal;
  let troubles: Troubles;
  let witness: Witness;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "engram-witness-"));
    journal = new Journal(join(folder, "journal.ndjson"));
    troubles = new Troubles();
    witness = new Witness(journal, troubles);
  });
  afterEach(async () => {
    await journal.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const seen = (outcome: Outcome, given: { from?: number; to?: number } = {}): string[] => {
    const { from = performance.now(), to = from } = given;
    witness.examine({ api: "api-1", user: "u", call, outcome, from, to }, { exact: true });
    return journal.violations.map((violation) => violation.check);
  };

  test("passes what is as it should be", () => {
    expect(seen(answered(memory, { ...memory, id: "b", content: "two" }))).toEqual([]);
  });

  test.each<[string, object[]]>([
    ["an id twice in one answer", [memory, { ...memory, content: "two" }]],
    ["one state twice", [memory, { ...memory, id: "b" }]],
    [
      "two live in one slot",
      [
        { ...memory, key: "k" },
        { ...memory, id: "b", content: "two", key: "k" },
      ],
    ],
    ["returned outside its scope", [{ ...memory, user_id: "v" }]],
  ])("%s", (check, memories) => {
    expect(seen(answered(...memories))).toContain(check);
  });

  test("shown after its delete was acknowledged; not while it was under way", () => {
    witness.deleted(["a"], 1_000);
    expect(seen(answered(memory), { from: 999, to: 2_000 })).toEqual([]);
    expect(seen(answered(memory), { from: 1_001, to: 2_000 })).toEqual(["returned after its delete was acknowledged"]);
  });

  test("a version that goes back, unless both were read at once", () => {
    seen(answered(memory), { from: 10, to: 20 });
    expect(seen(answered({ ...memory, version: 4 }), { from: 15, to: 30 })).toEqual([]);
    expect(seen(answered({ ...memory, version: 4 }), { from: 21, to: 30 })).toEqual(["a version went back"]);
  });

  test("one version that looks different to two readers", () => {
    seen(answered(memory));
    expect(seen(answered({ ...memory, content: "half" }))).toEqual(["one version, two contents"]);
  });

  test("no answer, without a process to show for it", () => {
    const lost: Outcome = { kind: "lost", reason: "ECONNRESET" };
    const end = troubles.begin("process:api-1");
    expect(seen(lost)).toEqual([]);
    end();
    expect(seen(lost, { from: performance.now() + 60_000 })).toEqual(["no answer"]);
  });

  test("no answer to what was under way when a graceful stop began", () => {
    const lost: Outcome = { kind: "lost", reason: "ECONNRESET" };
    troubles.beginGraceful("process:api-1");
    const now = performance.now();
    expect(seen(lost, { from: now, to: now + 10 })).toEqual([]);
    expect(seen(lost, { from: now - 5_000, to: now + 10 })).toEqual(["no answer"]);
  });

  test("503 with the truth in reach, and any other 5xx at all", () => {
    const status = (code: number): Outcome => ({ kind: "answered", status: code, body: {}, isReplay: false });
    const end = troubles.begin("truth:api-1");
    expect(seen(status(503))).toEqual([]);
    expect(seen(status(500))).toEqual(["wrong status"]);
    end();
    expect(seen(status(503), { from: performance.now() + 60_000 })).toEqual([
      "wrong status",
      "503 with the truth in reach",
    ]);
  });
});
