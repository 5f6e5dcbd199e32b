import { collectionOf } from "@engram/memory";
import { backendOf } from "@engram/sockets";
import type { RequestHandler } from "express";
import type { ApiDeps } from "./app.ts";
import { maybePrincipalOf } from "./auth.ts";

/**
 * `GET /api/memory/status`: whether memory is switched on and ready, and on what; with a key also its parts and what the
 * operator should mend. Answers while nothing else does.
 */
export function memoryStatus({ config, readiness, sockets }: ApiDeps): RequestHandler {
  return async (_req, res) => {
    const open = { enabled: config.enabled, initialized: readiness.migrated, backend: backendOf(config) };
    if (maybePrincipalOf(res) === undefined) {
      res.json(open);
      return;
    }
    const { problems } = await readiness.check(sockets);
    res.json({
      ...open,
      collection: await findCollection({ config, sockets }),
      embedding_model: sockets.models.embedder.model,
      llm_model: config.models.openaiApiKey === undefined ? null : config.models.llmModel,
      queue: sockets.chosen.queue,
      problems,
    });
  };
}

/** Of the live index; the configured name while no worker has prepared one. */
async function findCollection({ config, sockets }: Pick<ApiDeps, "config" | "sockets">): Promise<string> {
  const { collection } = config.vectors;
  const targets = await sockets.targets.followed().catch(() => []);
  const live = targets.find((target) => target.state === "live");
  return (live === undefined ? undefined : collectionOf(collection, live)?.name) ?? collection;
}
