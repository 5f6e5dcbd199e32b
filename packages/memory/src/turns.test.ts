import { describe, expect, test } from "@jest/globals";
import { createTurns } from "./turns.ts";

const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve));

describe("turns of the event loop", () => {
  test("one goes on in each, the first to come first, and others come between", async () => {
    const log: string[] = [];
    const turns = createTurns();
    const all = ["a", "b", "c"].map(async (name) => {
      await turns.take();
      log.push(name);
    });
    const others = async (): Promise<void> => {
      for (const name of ["1", "2"]) {
        await nextTurn();
        log.push(name);
      }
    };
    await Promise.all([...all, others()]);
    expect(log).toEqual(["a", "b", "1", "c", "2"]);
  });

  test("who is alone waits for nothing", async () => {
    const turns = createTurns();
    for (let n = 0; n < 2; n++) {
      let isTurnOver = false;
      setImmediate(() => {
        isTurnOver = true;
      });
      await turns.take();
      await turns.gather();
      expect(isTurnOver).toBe(false);
      await nextTurn();
    }
  });

  test.each<[count: number, groups: readonly (readonly number[])[]]>([
    [3, [[0, 1, 2]]],
    // As many as go on together, and then the rest.
    [
      6,
      [
        [0, 1, 2, 3],
        [4, 5],
      ],
    ],
  ])("of %p that came together those go on together who have had their turn", async (count, groups) => {
    const turns = createTurns();
    let taken = 0;
    const together: number[][] = [];
    await Promise.all(
      Array.from({ length: count }, async (_, n) => {
        await turns.take();
        taken += 1;
        await turns.gather();
        (together[taken] ??= []).push(n);
      }),
    );
    expect(together.filter((group) => group !== undefined)).toEqual(groups);
  });

  test("nobody waits for those who never come to gather, however many there are", async () => {
    const turns = createTurns();
    let taken = 0;
    const others = Array.from({ length: 3 }, async () => {
      for (let n = 0; n < 30; n++) {
        await turns.take();
        taken += 1;
      }
    });
    await turns.take();
    await turns.gather();
    expect(taken).toBeLessThan(15);
    await Promise.all(others);
  });
});
