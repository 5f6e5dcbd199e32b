import type { Config } from "@engram/config";
import type { Extractor } from "@engram/memory";
import type { Circuit } from "./circuit.ts";
import { createPace, type ProviderTools } from "./open-provider.ts";
import type { Pace } from "./pace.ts";
import { callTeller } from "./tell-call.ts";

export interface OpenExtractor {
  readonly extractor: Extractor;
  readonly circuit: Circuit;
  readonly pace: Pace;
}

/** The model that reads conversations: behind a circuit, within what the provider allows, every call in the ledger. */
export async function openExtractor(config: Config, tools: ProviderTools, apiKey: string): Promise<OpenExtractor> {
  const { llmModel: model, llmTimeoutMs, openaiBaseUrl, timeoutMs } = config.models;
  const { llmRequestsPerMinute: requestsPerMinute, llmTokensPerMinute: tokensPerMinute } = config.models;
  const { askProvider, createOpenAIExtractor } = await import("@engram/openai");
  const pace = createPace(config, tools, { operation: "extract", model, requestsPerMinute, tokensPerMinute });
  const tell = await callTeller(config, tools);
  const address = { apiKey, ...(openaiBaseUrl === undefined ? {} : { baseUrl: openaiBaseUrl }) };
  const extractor = createOpenAIExtractor({
    ...address,
    model,
    timeoutMs: llmTimeoutMs,
    admit: (tokens, signal) => pace.admit(tokens, signal),
    onCall(call) {
      tell(call);
      pace.settle({ ...call, tokens: call.promptTokens + call.completionTokens }, { isQuery: false });
    },
  });
  const circuit = tools.circuits.create("llm", "work", {
    probe: (signal) => askProvider(address, signal),
    probeTimeoutMs: timeoutMs,
  });
  const guarded: Extractor = {
    model,
    offline: extractor.offline,
    extract: (request, signal) => circuit.run(() => extractor.extract(request, signal), signal),
  };
  return { extractor: guarded, circuit, pace };
}
