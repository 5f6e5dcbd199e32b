import type { Config } from "@engram/config";
import type { Embedder, EmbedderUse } from "@engram/memory";
import { createProviderBudget } from "@engram/postgres";
import type { Executor } from "@engram/sql";
import type { Logger, Metrics } from "@engram/telemetry";
import type { Circuits } from "./circuits.ts";
import { guardEmbedder } from "./guard.ts";
import type { OpenEmbedder } from "./open-models.ts";
import { Pace } from "./pace.ts";

export interface ProviderTools {
  readonly db: Executor;
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
  const pace = createPace(config, tools, asked.model);
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

function createPace({ models }: Config, { db, logger, metrics }: ProviderTools, model: string): Pace {
  const { requestsPerMinute, tokensPerMinute } = models;
  const budget = createProviderBudget(db, {
    provider: models.openaiBaseUrl === undefined ? "api.openai.com" : new URL(models.openaiBaseUrl).host,
    model,
    operation: "embed",
    requestsPerMinute,
    tokensPerMinute,
  });
  return new Pace({
    budget,
    limited: requestsPerMinute !== undefined || tokensPerMinute !== undefined,
    onError: (err) => logger.warn({ err }, "Provider budget cannot be asked"),
    onTurn: (waitSeconds) => metrics.providerTurn.observe({ operation: "embed" }, waitSeconds),
  });
}

async function openEmbedder(
  { models }: Config,
  { metrics }: ProviderTools,
  { apiKey, model, requestedDims, pace, use }: ProviderModel & { pace: Pace; use: EmbedderUse },
): Promise<Embedder> {
  const { timeoutMs, openaiBaseUrl, tokensPerMinute } = models;
  const isQuery = use === "search";
  const { createOpenAIEmbedder } = await import("@engram/openai");
  return createOpenAIEmbedder({
    apiKey,
    model,
    timeoutMs,
    ...(openaiBaseUrl === undefined ? {} : { baseUrl: openaiBaseUrl }),
    ...(requestedDims === null ? {} : { dimensions: requestedDims }),
    ...(tokensPerMinute === undefined ? {} : { tokensPerCallMax: Math.ceil(tokensPerMinute * CALL_SHARE_MAX) }),
    admit: (tokens, signal) => (isQuery ? pace.admitQuery(tokens) : pace.admit(tokens, signal)),
    onCall(call) {
      const { model: called, tokens, seconds, outcome } = call;
      metrics.providerCalls.inc({ operation: "embed", model: called, outcome });
      metrics.providerTokens.inc({ operation: "embed", model: called }, tokens);
      metrics.providerCallDuration.observe({ operation: "embed" }, seconds);
      pace.settle(call, { isQuery });
    },
  });
}
