import type { Config } from "@engram/config";
import type { Embedder, EmbedderUse, Ledger, ProviderOperation } from "@engram/memory";
import { createProviderBudget } from "@engram/postgres";
import type { Executor } from "@engram/sql";
import type { Logger, Metrics } from "@engram/telemetry";
import type { Circuits } from "./circuits.ts";
import { guardEmbedder } from "./guard.ts";
import type { OpenEmbedder } from "./open-models.ts";
import { callTeller } from "./tell-call.ts";
import { Pace } from "./pace.ts";

export interface ProviderTools {
  readonly db: Executor;
  readonly ledger: Ledger;
  readonly circuits: Circuits;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface ProviderModel {
  readonly apiKey: string;
  readonly model: string;
  readonly requestedDims: number | null;
}

/** A probe is a call like any other, of one word. */
const PROBE_TEXT = "memory";
/** Of the tokens of a minute at most so much in one call, so that no window that a provider counts is run over by it. */
const CALL_SHARE_MAX = 0.05;

/** A model of the provider: behind a circuit for each use, and within what the provider allows. */
export async function openProvider(config: Config, tools: ProviderTools, asked: ProviderModel): Promise<OpenEmbedder> {
  const { requestsPerMinute, tokensPerMinute } = config.models;
  const pace = createPace(config, tools, {
    operation: "embed",
    model: asked.model,
    requestsPerMinute,
    tokensPerMinute,
  });
  const open = (use: EmbedderUse): Promise<Embedder> => openEmbedder(config, tools, { ...asked, pace, use });
  const [work, search] = [await open("work"), await open("search")];
  const probe = (signal: AbortSignal): Promise<unknown> => search.embed([PROBE_TEXT], signal);
  const guard = (use: EmbedderUse, probeTimeoutMs: number) =>
    tools.circuits.create("models", use, { probe, probeTimeoutMs });
  const circuit = guard("work", config.models.timeoutMs);
  return {
    work: guardEmbedder(work, circuit),
    search: guardEmbedder(search, guard("search", config.search.deadlineMs)),
    circuit,
    pace,
  };
}

export interface PacedModel {
  readonly operation: ProviderOperation;
  readonly model: string;
  readonly requestsPerMinute: number | undefined;
  readonly tokensPerMinute: number | undefined;
}

/** What keeps all processes together to what the provider allows for one operation of one model. */
export function createPace(
  { models }: Config,
  { db, logger, metrics }: ProviderTools,
  { operation, model, requestsPerMinute, tokensPerMinute }: PacedModel,
): Pace {
  const budget = createProviderBudget(db, {
    provider: models.openaiBaseUrl === undefined ? "api.openai.com" : new URL(models.openaiBaseUrl).host,
    model,
    operation,
    requestsPerMinute,
    tokensPerMinute,
  });
  return new Pace({
    budget,
    limited: requestsPerMinute !== undefined || tokensPerMinute !== undefined,
    onError: (err) => logger.warn({ err }, "Provider budget cannot be asked"),
    onTurn: (waitSeconds) => metrics.providerTurn.observe({ operation }, waitSeconds),
  });
}

async function openEmbedder(
  config: Config,
  tools: ProviderTools,
  { apiKey, model, requestedDims, pace, use }: ProviderModel & { pace: Pace; use: EmbedderUse },
): Promise<Embedder> {
  const { timeoutMs, openaiBaseUrl, tokensPerMinute } = config.models;
  const isQuery = use === "search";
  const { createOpenAIEmbedder } = await import("@engram/openai");
  const tell = await callTeller(config, tools);
  return createOpenAIEmbedder({
    apiKey,
    model,
    timeoutMs,
    ...(openaiBaseUrl === undefined ? {} : { baseUrl: openaiBaseUrl }),
    ...(requestedDims === null ? {} : { dimensions: requestedDims }),
    ...(tokensPerMinute === undefined ? {} : { tokensPerCallMax: Math.ceil(tokensPerMinute * CALL_SHARE_MAX) }),
    admit: (tokens, signal) => (isQuery ? pace.admitQuery(tokens) : pace.admit(tokens, signal)),
    onCall(call) {
      const { tokens: promptTokens, ...told } = call;
      tell({ ...told, operation: "embed", projectId: null, requestId: null, promptTokens, completionTokens: 0 });
      pace.settle(call, { isQuery });
    },
  });
}
