import type { Config } from "@engram/config";
import type { ProviderCallRecord } from "@engram/memory";
import type { ProviderTools } from "./open-provider.ts";

/** What is told of every call to a provider, failed ones too: metrics, and its price in the ledger. */
export async function callTeller(
  { models }: Config,
  { ledger, metrics }: Pick<ProviderTools, "ledger" | "metrics">,
): Promise<(call: Omit<ProviderCallRecord, "at" | "dollars">) => void> {
  const { costOf } = await import("@engram/openai");
  return (call) => {
    const { operation, model, outcome, promptTokens, completionTokens, seconds } = call;
    const dollars = costOf(call, models.prices);
    metrics.providerCalls.inc({ operation, model, outcome });
    metrics.providerTokens.inc({ operation, model }, promptTokens + completionTokens);
    metrics.providerCallDuration.observe({ operation }, seconds);
    metrics.providerDollars.inc({ operation, model }, dollars ?? 0);
    // Named one by one: a call has more to tell than the ledger keeps.
    const { projectId, requestId } = call;
    ledger.record({
      operation,
      model,
      projectId,
      requestId,
      outcome,
      promptTokens,
      completionTokens,
      dollars,
      seconds,
      at: new Date(),
    });
  };
}
