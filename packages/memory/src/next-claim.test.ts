import { describe, expect, test } from "@jest/globals";
import { DELETIONS_MAX, nextClaim, type NextClaim } from "./next-claim.ts";
import { EMPTY_REPORT } from "./work.ts";

const fair: NextClaim = { only: "all", batchSize: 64 };
const large: NextClaim = { only: "absent", batchSize: DELETIONS_MAX };

function after(only: NextClaim["only"], claimed: number, deleted: number, allowed: NextClaim["only"] = "all") {
  return nextClaim({ allowed, batchSize: 64 }, { only, report: { ...EMPTY_REPORT, claimed, deleted } });
}

describe("nextClaim", () => {
  test("begins with a fair batch", () => {
    expect(nextClaim({ allowed: "all", batchSize: 64 }, undefined)).toEqual(fair);
  });

  test("after a full batch of nothing but deletions come deletions alone, many of them", () => {
    expect(after("all", 64, 64)).toEqual(large);
  });

  test("one thing that is no deletion, and the batch stays fair", () => {
    expect(after("all", 64, 63)).toEqual(fair);
  });

  test("a few deletions are no mass deletion", () => {
    expect(after("all", 63, 63)).toEqual(fair);
  });

  test.each([64, DELETIONS_MAX])("after deletions alone, %i of them, others have their turn", (claimed) => {
    expect(after("absent", claimed, claimed)).toEqual(fair);
  });

  test("without an embedder every batch is of deletions alone", () => {
    expect(after("all", 64, 1, "absent")).toEqual(large);
  });

  test("never less than the batch that is set", () => {
    expect(nextClaim({ allowed: "absent", batchSize: 1_000 }, undefined).batchSize).toBe(1_000);
  });
});
