import { parseCondition, searchAll, type Degradation, type MemoryFilter, type SearchRequest } from "@engram/memory";
import { z } from "zod";
import type { ApiDeps } from "../app.ts";
import { explanationJson, partsJson } from "../explain-json.ts";
import { fields, LIMIT_DEFAULT, missing, parse } from "../fields.ts";
import { memoryJson, withWarnings } from "../memory-json.ts";
import { messageJson } from "../message-json.ts";
import { defineRoute, type Route } from "../route.ts";

const body = z.object({
  user_id: fields.user_id.optional(),
  query: fields.query.optional(),
  relevance_threshold: fields.relevance_threshold.optional(),
  limit: fields.limit.optional(),
  types: fields.types.optional(),
  session_id: fields.session_id.optional(),
  agent_id: fields.agent_id.optional(),
  level: fields.level.optional(),
  scope: fields.scope.optional(),
  created_after: fields.created_after.optional(),
  created_before: fields.created_before.optional(),
  as_of: fields.as_of.optional(),
  query_time: fields.query_time.optional(),
  strict: fields.strict.optional(),
  explain: fields.explain.optional(),
  filters: fields.filters.optional(),
});

/** The two guides have the same search under two paths. */
export const [searchMemories, searchMemory] = ["/api/memories/search", "/api/memory/search"].map(searchRoute) as [
  Route,
  Route,
];

function searchRoute(path: string): Route {
  return defineRoute({
    method: "post",
    path,
    summary: "Find memories by meaning and by words; without a query the newest and most important.",
    body,
    async handle({ deps, req, res, principal }) {
      const { input, warnings } = parse(body, req.body ?? {});
      if (input.user_id === undefined && input.session_id === undefined && input.agent_id === undefined)
        throw missing("user_id");
      const query = input.query?.normalize("NFC").trim();
      const queryTime = input.query_time?.at ?? input.as_of;
      const { found, degraded, explanation, timings } = await measured(deps, {
        filter: toFilter(input, principal.projectId),
        limit: input.limit ?? LIMIT_DEFAULT,
        threshold: input.relevance_threshold ?? 0,
        strict: input.strict ?? false,
        explain: input.explain ?? false,
        ...(queryTime === undefined ? {} : { queryTime }),
        ...(input.query_time === undefined ? {} : { utcOffsetMinutes: input.query_time.offsetMinutes }),
        ...(query === undefined || query === "" ? {} : { query: query.replaceAll("\0", " ").toWellFormed() }),
      });
      if (timings.size > 0)
        res.setHeader("Server-Timing", Array.from(timings, ([arm, ms]) => `${arm};dur=${ms.toFixed(2)}`).join(", "));
      return {
        status: 200,
        body: {
          memories: found.map((one) => ({
            ...(one.kind === "memory" ? memoryJson(one.memory) : messageJson(one.message)),
            relevance_score: Math.round(one.score * 1e4) / 1e4,
            ...(input.explain === true ? { explain: partsJson(one, explanation) } : {}),
          })),
          total: found.length,
          ...(explanation === undefined ? {} : { explain: explanationJson(explanation) }),
          ...(degraded.length === 0 ? {} : { degraded }),
          ...withWarnings(warnings),
        },
      };
    },
  });
}

function toFilter(input: z.output<typeof body>, projectId: string): MemoryFilter {
  return {
    scope: {
      projectId,
      exact: input.scope === "exact",
      ...(input.user_id === undefined ? {} : { userId: input.user_id }),
      ...(input.session_id === undefined ? {} : { sessionId: input.session_id }),
      ...(input.agent_id === undefined ? {} : { agentId: input.agent_id }),
      ...(input.level === undefined ? {} : { level: input.level }),
    },
    ...(input.types === undefined ? {} : { types: input.types }),
    ...(input.created_after === undefined ? {} : { createdAfter: input.created_after }),
    ...(input.created_before === undefined ? {} : { createdBefore: input.created_before }),
    ...(input.as_of === undefined ? {} : { asOf: input.as_of }),
    ...(input.filters === undefined ? {} : { condition: parseCondition(input.filters) }),
  };
}

/** How the installation is set up, and what was asked: nothing went wrong. */
const AS_ASKED: ReadonlySet<string> = new Set<Degradation["code"]>(["lexical_embeddings", "many_users"]);

async function measured(deps: ApiDeps, request: SearchRequest): ReturnType<typeof searchAll> {
  const started = performance.now();
  let outcome: "ok" | "degraded" | "failed" = "failed";
  try {
    const result = await searchAll(deps.search, deps.sockets.conversations, request);
    outcome = result.degraded.some((one) => !AS_ASKED.has(one.code)) ? "degraded" : "ok";
    return result;
  } finally {
    deps.metrics.searches.inc({ outcome });
    deps.metrics.searchDuration.observe({ outcome }, (performance.now() - started) / 1000);
  }
}
