import { expect, test } from "@jest/globals";
import { createSpending } from "./spending.ts";

const ledger = (dollars: number) => ({ spentToday: () => Promise.resolve(dollars) });

test("below the limit of the day nothing is held back, at it everything is, with the setting's name", async () => {
  expect(await createSpending(ledger(4.99), 5).heldBack()).toBeUndefined();
  const held = await createSpending(ledger(5), 5).heldBack();
  expect(held?.reason).toMatch(/SPEND_LIMIT_DOLLARS_PER_DAY/);
  expect(held?.seconds).toBeGreaterThan(0);
  expect(held?.seconds).toBeLessThanOrEqual(300);
});

test("without a limit, and without a ledger that answers, nothing is held back", async () => {
  expect(await createSpending(ledger(1e9), undefined).heldBack()).toBeUndefined();
  const away = { spentToday: () => Promise.reject(new Error("away")) };
  expect(await createSpending(away, 5).heldBack()).toBeUndefined();
});
