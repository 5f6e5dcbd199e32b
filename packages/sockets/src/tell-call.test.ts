import { expect, test } from "@jest/globals";
import type { Config } from "@engram/config";
import type { ProviderCallRecord } from "@engram/memory";
import { createMetrics } from "@engram/telemetry";
import { callTeller } from "./tell-call.ts";

test("models that clients make up share a label; the ledger knows each by its name", async () => {
  const metrics = createMetrics({ version: "test" });
  const models: string[] = [];
  const ledger = { record: (call: ProviderCallRecord) => models.push(call.model) };
  const config = { models: { llmModel: "gpt-4o-mini", embeddingModel: "text-embedding-3-small", prices: {} } };
  const tell = await callTeller(config as unknown as Config, { ledger, metrics } as never);
  const call = { operation: "chat", outcome: "ok", promptTokens: 1, completionTokens: 1, seconds: 1 } as const;
  const names = [...Array.from({ length: 1_000 }, (_, n) => `made-up-${n}`), "gpt-4o-mini"];
  for (const model of names) tell({ ...call, model, projectId: "p", requestId: null });
  expect(models).toEqual(names);
  for (const metric of [metrics.providerCalls, metrics.providerTokens, metrics.providerDollars]) {
    const labels = (await metric.get()).values.map((one) => one.labels.model);
    expect(labels.length).toBeLessThanOrEqual(33);
    expect(labels).toEqual(expect.arrayContaining(["made-up-0", "gpt-4o-mini", "other"]));
  }
});
