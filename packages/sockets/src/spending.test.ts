import { expect, test } from "@jest/globals";
import { createSpending } from "./spending.ts";

const ledger = (dollars: number) => ({ spentToday: () => Promise.resolve(dollars) });
const limitOf = (dollarsPerDay: number | undefined) => ({ dollarsPerDay, isPriced: () => true });
const model = "gpt-4o-mini";

test("below the limit of the day nothing is held back, at it everything is, with the setting's name", async () => {
  expect(await createSpending(ledger(4.99), limitOf(5)).heldBack({ model })).toBeUndefined();
  const held = await createSpending(ledger(5), limitOf(5)).heldBack({ model });
  expect(held?.reason).toMatch(/SPEND_LIMIT_DOLLARS_PER_DAY/);
  expect(held?.seconds).toBeGreaterThan(0);
  expect(held?.seconds).toBeLessThanOrEqual(300);
});

test("without a limit, and without a ledger that answers, nothing is held back", async () => {
  expect(await createSpending(ledger(1e9), limitOf(undefined)).heldBack({ model })).toBeUndefined();
  const away = { spentToday: () => Promise.reject(new Error("away")) };
  expect(await createSpending(away, limitOf(5)).heldBack({ model })).toBeUndefined();
});

test("a model whose price is not known is held back by any limit, and only by one", async () => {
  const isPriced = (name: string) => name === model;
  const spending = createSpending(ledger(0), { dollarsPerDay: 5, isPriced });
  expect(await spending.heldBack({ model })).toBeUndefined();
  expect((await spending.heldBack({ model: "llama3.2" }))?.reason).toMatch(/llama3\.2.*MODEL_PRICES/);
  const unlimited = createSpending(ledger(0), { dollarsPerDay: undefined, isPriced });
  expect(await unlimited.heldBack({ model: "llama3.2" })).toBeUndefined();
});
