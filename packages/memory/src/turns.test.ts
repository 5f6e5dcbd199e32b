import { describe, expect, test } from "@jest/globals";
import { createTurns } from "./turns.ts";

const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve));

describe("turns of the event loop", () => {
  test("one goes on in each, the first to come first, and others come between", async () => {
    const log: string[] = [];
    const turn = createTurns();
    const all = ["a", "b", "c"].map(async (name) => {
      await turn();
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
    const turn = createTurns();
    for (let n = 0; n < 2; n++) {
      let isTurnOver = false;
      setImmediate(() => {
        isTurnOver = true;
      });
      await turn();
      expect(isTurnOver).toBe(false);
      await nextTurn();
    }
  });
});
