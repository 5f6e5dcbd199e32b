import type { Config } from "@engram/config";
import type { ProviderCallRecord } from "@engram/memory";
import type { ProviderTools } from "./open-provider.ts";

/** Clients of the proxy name models as they like; a label must not be theirs to make without end. */
const MODELS_MAX = 32;
const OTHER = "other";

/** What is told of every call to a provider, failed ones too: metrics, and its price in the ledger. */
export async function callTeller(
  { models }: Config,
  { ledger, metrics }: Pick<ProviderTools, "ledger" | "metrics">,
): Promise<(call: Omit<ProviderCallRecord, "at" | "dollars">) => void> {
  const { costOf } = await import("@engram/openai");
  const labelled = new Set([models.llmModel, models.embeddingModel]);
  const labelOf = (model: string): string => {
    if (labelled.size < MODELS_MAX) labelled.add(model);
    return labelled.has(model) ? model : OTHER;
  };
  return (call) => {
    const { operation, model, outcome, promptTokens, completionTokens, seconds } = call;
    const dollars = costOf(call, models.prices);
    const label = { operation, model: labelOf(model) };
    metrics.providerCalls.inc({ ...label, outcome });
    metrics.providerTokens.inc(label, promptTokens + completionTokens);
    metrics.providerCallDuration.observe({ operation }, seconds);
    metrics.providerDollars.inc(label, dollars ?? 0);
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
