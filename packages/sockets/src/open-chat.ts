import type { Config } from "@engram/config";
import type { ProviderCallRecord } from "@engram/memory";
import type { Upstream } from "@engram/openai";
import type { ProviderTools } from "./open-provider.ts";
import { callTeller } from "./tell-call.ts";

/** The model that talks: reached byte for byte, its calls in the ledger. */
export interface OpenChat {
  readonly upstream: Upstream;
  /** LLM_MODEL, where a request names none. */
  readonly model: string;
  /** To be told of every call, failed ones too. */
  readonly tell: (call: Omit<ProviderCallRecord, "at" | "dollars" | "operation">) => void;
}

export async function openChat(config: Config, tools: ProviderTools, apiKey: string): Promise<OpenChat> {
  const { openaiBaseUrl, llmModel } = config.models;
  const { createUpstream } = await import("@engram/openai");
  const tell = await callTeller(config, tools);
  return {
    upstream: createUpstream({ apiKey, ...(openaiBaseUrl === undefined ? {} : { baseUrl: openaiBaseUrl }) }),
    model: llmModel,
    tell: (call) => tell({ ...call, operation: "chat" }),
  };
}
