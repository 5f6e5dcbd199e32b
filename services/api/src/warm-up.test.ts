import { expect, test } from "@jest/globals";
import type { ApiDeps } from "./app.ts";
import { warmUp } from "./warm-up.ts";

const deps = (chat: object | undefined, spend: () => Promise<readonly { operation: string }[]>) =>
  ({ sockets: { models: { chat }, ledger: { spend } }, logger: { warn: () => undefined } }) as unknown as ApiDeps;

test.each([
  ["a model that was talked to is", {}, () => Promise.resolve([{ operation: "embed" }, { operation: "chat" }]), true],
  ["one that only reads is not", {}, () => Promise.resolve([{ operation: "extract" }]), false],
  ["nor where there is none", undefined, () => Promise.resolve([{ operation: "chat" }]), false],
  ["nor where the database is away", {}, () => Promise.reject(new Error("away")), false],
])("%s warmed up", async (_what, chat, spend, expected) => {
  expect(await warmUp(deps(chat, spend))).toBe(expected);
});
