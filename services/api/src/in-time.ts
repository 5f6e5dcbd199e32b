import type { ApiDeps } from "./app.ts";

/** What memory does for an answer of a model, each in its time or not at all. */
export type MemoryPart = "recall" | "earlier turns" | "exchange";

/**
 * What a promise gives, or undefined where it fails or does not come within RECALL_DEADLINE_MS, which the log says: a slow
 * memory never delays an answer by more. What comes later is not stopped.
 */
export async function inTime<T>(
  { config, logger }: Pick<ApiDeps, "config" | "logger">,
  promise: Promise<T>,
  { part, requestId }: { readonly part: MemoryPart; readonly requestId: string },
): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      logger.warn({ requestId, part }, "Memory was too slow for an answer, which goes without it");
      resolve(undefined);
    }, config.recall.deadlineMs);
  });
  const given = promise.catch((err: unknown) => {
    logger.warn({ requestId, part, err }, "Memory failed an answer, which goes without it");
    return undefined;
  });
  try {
    return await Promise.race([given, late]);
  } finally {
    clearTimeout(timer);
  }
}
