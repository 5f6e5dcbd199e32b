import { describe, expect, test } from "@jest/globals";
import { EMPTY_REPORT, type Bell } from "@engram/memory";

/** What every bell has to do, whichever it is: a ring is heard by somebody, and a bell never gets in the way. */
export function bellContract(name: string, create: () => Promise<Bell>): void {
  describe(`bell contract: ${name}`, () => {
    const rungAfter = async (bell: Bell, heard: () => number, atLeast: number): Promise<void> => {
      const deadline = Date.now() + 5_000;
      while (heard() < atLeast && Date.now() < deadline) {
        bell.ring("embed", { pending: 1 }); // a ring may be lost while a connection is made
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };

    test("a ring is answered", async () => {
      const bell = await create();
      let heard = 0;
      const answering = await bell.answer("embed", () => Promise.resolve((heard++, EMPTY_REPORT)), { concurrency: 1 });
      await rungAfter(bell, () => heard, 1);
      expect(heard).toBeGreaterThanOrEqual(1);
      await answering.stop();
      await bell.close();
    });

    test("no more hands work at once than were offered", async () => {
      const bell = await create();
      let [heard, working, most] = [0, 0, 0];
      const work = async () => {
        heard++;
        most = Math.max(most, ++working);
        await new Promise((resolve) => setTimeout(resolve, 20));
        working--;
        return EMPTY_REPORT;
      };
      const answering = await bell.answer("embed", work, { concurrency: 2 });
      for (let i = 0; i < 20; i++) bell.ring("embed", { pending: 200 });
      await rungAfter(bell, () => heard, 5);
      expect(most).toBeLessThanOrEqual(2);
      await answering.stop();
      await bell.close();
    });

    test("a handler that throws is asked again at the next ring", async () => {
      const bell = await create();
      let heard = 0;
      const answering = await bell.answer(
        "embed",
        () => (heard++ === 0 ? Promise.reject(new Error("first")) : Promise.resolve(EMPTY_REPORT)),
        { concurrency: 1 },
      );
      await rungAfter(bell, () => heard, 2);
      expect(heard).toBeGreaterThanOrEqual(2);
      await answering.stop();
      await bell.close();
    });

    test("stopping waits for the work in hand, and nothing is answered after it", async () => {
      const bell = await create();
      let [begun, done] = [0, 0];
      const work = async () => {
        begun++;
        await new Promise((resolve) => setTimeout(resolve, 50));
        done++;
        return EMPTY_REPORT;
      };
      const answering = await bell.answer("embed", work, { concurrency: 1 });
      await rungAfter(bell, () => begun, 1);
      await answering.stop();
      expect(done).toBe(begun);
      const before = begun;
      bell.ring("embed", { pending: 1 });
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(begun).toBe(before);
      await bell.close();
    });

    test("ringing where nobody answers is no error", async () => {
      const bell = await create();
      bell.ring("embed", { pending: 1 });
      await bell.close();
    });
  });
}
