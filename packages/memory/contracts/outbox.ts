import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Claimed, Outbox } from "@engram/memory";
import { draft } from "./draft.ts";
import {
  HORIZON_SECONDS,
  LEASE_SECONDS,
  mine,
  other,
  OutboxDriver,
  topic,
  type OutboxUnderTest,
} from "./outbox-driver.ts";

/** What every outbox has to do, whichever it is: PROTOCOL.md, case by case. The fake is held to it as the real one is. */
export function outboxContract(name: string, open: () => Promise<OutboxUnderTest>): void {
  describe(`outbox contract: ${name}`, () => {
    let under: OutboxUnderTest;
    let outbox: Outbox;
    let on: OutboxDriver;
    beforeAll(async () => {
      under = await open();
      ({ outbox } = under);
      on = new OutboxDriver(under);
    }, 60_000);
    afterAll(() => under.close());
    beforeEach(() => under.clear());

    describe("what leaves work", () => {
      test.each([
        ["put", () => on.write("два")],
        ["change", (id: string) => on.change(id, "два")],
        ["deletion", (id: string) => on.remove(id)],
        ["truncation", () => under.store.truncate()],
      ] as const)("a %s leaves a row", async (_what, act) => {
        const id = await on.write("раз");
        await on.acknowledge(mine, await on.claim(mine));
        await act(id);
        expect(await on.claim(mine)).toHaveLength(1);
      });

      test("being told again leaves none", async () => {
        await on.write("раз");
        await on.acknowledge(mine, await on.claim(mine));
        await on.write("раз");
        expect(await on.claim(mine)).toHaveLength(0);
      });
    });

    describe("claim", () => {
      test("a claimed row is nobody else's until its lease ends", async () => {
        await on.write("раз");
        expect(await on.claim(mine)).toMatchObject([{ attempts: 1, inDoubt: false, alone: false }]);
        expect(await on.claim(other)).toHaveLength(0);
        await under.pass(LEASE_SECONDS - 5);
        expect(await on.claim(other)).toHaveLength(0);
        await under.pass(6);
        expect(await on.claim(other)).toHaveLength(1);
      });

      test("a row whose lease ran out is in doubt, and worked alone", async () => {
        await on.write("раз");
        await on.loseLease();
        expect(await on.claim(mine)).toMatchObject([{ attempts: 2, inDoubt: true, alone: true }]);
      });

      test("a doubt outlives every claim before its horizon", async () => {
        const id = await on.write("раз");
        await on.fail(mine, await on.claim(mine), { doubt: true });
        await on.change(id, "два");
        expect(await on.claim(mine)).toMatchObject([{ inDoubt: true }]);
      });

      test("a lease that is lost again begins the horizon again", async () => {
        await on.write("раз");
        await on.fail(mine, await on.claim(mine), { doubt: true });
        await under.pass(HORIZON_SECONDS - LEASE_SECONDS);
        await on.loseLease();
        expect(await on.claim(mine)).toMatchObject([{ inDoubt: true }]);
      });

      test("no more than the limit, and what has waited longest first", async () => {
        const first = await on.write("раз");
        await under.pass(1);
        await on.write("два");
        expect(await on.claim(mine, { limit: 1 })).toMatchObject([{ key: first, waitedSeconds: expect.closeTo(1, 0) }]);
      });

      test("single writes come before bulk", async () => {
        await under.store.putMemories(Array.from({ length: 100 }, (_, n) => draft({ content: `факт ${n}` })));
        const id = await on.write("раз");
        const claimed = await on.claim(mine);
        expect(claimed).toHaveLength(64);
        expect(claimed.map((one) => one.key)).toContain(id);
      });

      test("asked for what is absent alone, it leaves the work of memories that stand", async () => {
        await on.write("раз");
        const gone = await on.write("два");
        await on.remove(gone);
        expect(await on.claim(mine, { only: "absent" })).toMatchObject([{ key: gone }]);
        expect(await on.claim(mine)).toMatchObject([{ attempts: 1 }]);
      });

      test("of another topic's work it takes none", async () => {
        await on.write("раз");
        expect(await on.claim(mine, { topic: "index:other" })).toHaveLength(0);
      });
    });

    describe("acknowledge", () => {
      test("an acknowledged row is gone, and its memory indexed", async () => {
        const id = await on.write("раз");
        expect(await on.status(id)).toBe("pending");
        expect(await on.acknowledge(mine, await on.claim(mine))).toEqual({ gone: 1, kept: 0 });
        expect(await on.status(id)).toBe("indexed");
      });

      test("only the holder of the token can acknowledge", async () => {
        await on.write("раз");
        const claimed = await on.claim(mine);
        expect(await on.acknowledge(other, claimed)).toEqual({ gone: 0, kept: 0 });
        expect(await on.acknowledge(mine, claimed)).toEqual({ gone: 1, kept: 0 });
      });

      test("who lost the lease to another cannot acknowledge any more", async () => {
        await on.write("раз");
        const lost = await on.loseLease();
        await on.claim(mine);
        expect(await on.acknowledge(other, lost)).toEqual({ gone: 0, kept: 0 });
      });

      test("a row that was dirtied meanwhile is worked again at once", async () => {
        const id = await on.write("раз");
        const claimed = await on.claim(mine);
        await on.change(id, "два");
        expect(await on.acknowledge(mine, claimed)).toEqual({ gone: 0, kept: 1 });
        expect(await on.status(id)).toBe("pending");
        expect(await on.claim(other)).toMatchObject([{ key: id, attempts: 1, inDoubt: false }]);
      });

      test("a row in doubt stays until one more pass after the horizon, and counts as indexed meanwhile", async () => {
        const id = await on.write("раз");
        await on.loseLease();
        expect(await on.acknowledge(mine, await on.claim(mine))).toEqual({ gone: 0, kept: 1 });
        expect(await on.status(id)).toBe("indexed");
        expect(await outbox.depth()).toEqual([]);
        await under.pass(HORIZON_SECONDS - 5);
        expect(await on.claim(mine)).toHaveLength(0);
        await under.pass(6);
        const again = await on.claim(mine);
        expect(again).toMatchObject([{ attempts: 1, inDoubt: false }]);
        expect(await on.acknowledge(mine, again)).toEqual({ gone: 1, kept: 0 });
      });
    });

    describe("fail", () => {
      test("only the holder of the token can fail", async () => {
        await on.write("раз");
        const claimed = await on.claim(mine);
        expect(await on.fail(other, claimed)).toBe(0);
        expect(await on.acknowledge(mine, claimed)).toEqual({ gone: 1, kept: 0 });
      });

      test("a failure keeps its reason and its attempts, and waits", async () => {
        const id = await on.write("раз");
        expect(await on.fail(mine, await on.claim(mine), { retryInSeconds: 60 })).toBe(1);
        expect(await under.find(id)).toMatchObject({ error: "unavailable: away" });
        await under.pass(55);
        expect(await on.claim(mine)).toHaveLength(0);
        await under.pass(6);
        expect(await on.claim(mine)).toMatchObject([{ attempts: 2, inDoubt: false }]);
      });

      test.each([
        ["unavailable: away", false],
        ["rate_limited: patience", false],
        ["invalid: refused", true],
      ])("after %s it is worked alone: %s", async (error, alone) => {
        await on.write("раз");
        await on.fail(mine, await on.claim(mine), { error });
        expect(await on.claim(mine)).toMatchObject([{ alone }]);
      });

      test("failures of the world do not count: the first that is the row's own is number one, and the row is not alone", async () => {
        await on.write("раз");
        const failWith = async (error: string): Promise<Claimed | undefined> => {
          const claimed = await on.claim(mine);
          await on.fail(mine, claimed, { error });
          return claimed[0];
        };
        for (const attempts of [1, 2, 3]) expect(await failWith("rate_limited: patience")).toMatchObject({ attempts });
        expect(await failWith("internal: Internal error")).toMatchObject({ attempts: 4, alone: false });
        expect(await failWith("internal: Internal error")).toMatchObject({ attempts: 2, alone: true });
        expect(await failWith("unavailable: away")).toMatchObject({ attempts: 3, alone: true });
        expect(await on.claim(mine)).toMatchObject([{ attempts: 4, alone: false }]);
      });

      test("a write that was cut leaves doubt", async () => {
        await on.write("раз");
        await on.fail(mine, await on.claim(mine), { doubt: true });
        const claimed = await on.claim(mine);
        expect(claimed).toMatchObject([{ inDoubt: true }]);
        expect(await on.acknowledge(mine, claimed)).toEqual({ gone: 0, kept: 1 });
      });

      test("a failure that leaves no doubt keeps the older one", async () => {
        await on.write("раз");
        await on.fail(mine, await on.claim(mine), { doubt: true });
        await on.fail(mine, await on.claim(mine));
        expect(await on.claim(mine)).toMatchObject([{ inDoubt: true }]);
      });

      test("a parked row stays out of claims, is failed, and comes back when its memory changes", async () => {
        const id = await on.write("раз");
        await on.fail(mine, await on.claim(mine), { park: true });
        expect(await on.status(id)).toBe("failed");
        expect(await on.claim(mine)).toHaveLength(0);
        expect(await outbox.depth()).toMatchObject([{ topic, pending: 0, parked: 1 }]);
        await on.change(id, "два");
        expect(await on.claim(mine)).toMatchObject([{ attempts: 1, alone: false }]);
      });

      test("a failure of a row that was dirtied meanwhile is tried at once and never parked", async () => {
        const id = await on.write("раз");
        const claimed = await on.claim(mine);
        await on.change(id, "два");
        await on.fail(mine, claimed, { retryInSeconds: 60, park: true });
        expect(await on.status(id)).toBe("pending");
        expect(await on.claim(other)).toMatchObject([{ attempts: 1 }]);
      });
    });

    describe("release", () => {
      test("only the holder of the token can release", async () => {
        await on.write("раз");
        const claimed = await on.claim(mine);
        expect(await outbox.release(topic, other, claimed)).toBe(0);
        expect(await on.claim(other)).toHaveLength(0);
      });

      test("a graceful stop gives work back as if it had never been claimed", async () => {
        await on.write("раз");
        expect(await outbox.release(topic, mine, await on.claim(mine))).toBe(1);
        expect(await on.claim(other)).toMatchObject([{ attempts: 1, alone: false, inDoubt: false }]);
      });

      test("giving back ends no doubt", async () => {
        await on.write("раз");
        await on.loseLease();
        await outbox.release(topic, mine, await on.claim(mine));
        expect(await on.claim(mine)).toMatchObject([{ inDoubt: true }]);
      });
    });

    describe("a write while its row is leased", () => {
      test.each(["changed", "deleted"])("a memory that is %s leaves its row to the holder", async (what) => {
        const id = await on.write("раз");
        const claimed = await on.claim(mine);
        await (what === "changed" ? on.change(id, "два") : on.remove(id));
        expect(await on.claim(other)).toHaveLength(0);
        expect(await on.acknowledge(mine, claimed)).toEqual({ gone: 0, kept: 1 });
        expect(await on.claim(other)).toHaveLength(1);
      });

      test("a truncated one too", async () => {
        await on.write("раз");
        const claimed = await on.claim(mine);
        await under.store.truncate();
        expect(await on.claim(other)).toHaveLength(0);
        expect(await on.acknowledge(mine, claimed)).toEqual({ gone: 0, kept: 1 });
      });

      test("a lease that ran out is still seen as lost when the memory changed meanwhile", async () => {
        const id = await on.write("раз");
        await on.loseLease();
        await on.change(id, "два");
        expect(await on.claim(mine)).toMatchObject([{ inDoubt: true }]);
      });
    });

    test("the depth counts what waits and what is parked, and says how long", async () => {
      await on.write("раз");
      await on.fail(mine, await on.claim(mine), { park: true });
      await on.write("два");
      await under.pass(10);
      expect(await outbox.depth()).toMatchObject([{ topic, pending: 1, parked: 1 }]);
      expect((await outbox.depth())[0]?.oldestSeconds).toBeCloseTo(10, 0);
    });
  });
}
