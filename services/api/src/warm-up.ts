import { DEFAULT_PROJECT_ID } from "@engram/memory";
import type { ApiDeps } from "./app.ts";
import { tokenCounter } from "./count-tokens.ts";

const DAYS = 7;
const DAY_MS = 86_400_000;

/**
 * Loads the tokenizer where somebody has talked to the model lately: half a second in which this process answers nobody,
 * before the first recall instead of within it. Elsewhere its 40 MB are not spent. True: it is loaded. Never throws.
 */
export async function warmUp({ sockets, logger }: Pick<ApiDeps, "sockets" | "logger">): Promise<boolean> {
  if (sockets.models.chat === undefined) return false;
  try {
    const lines = await sockets.ledger.spend(DEFAULT_PROJECT_ID, new Date(Date.now() - DAYS * DAY_MS));
    if (!lines.some(({ operation }) => operation === "chat")) return false;
    await tokenCounter();
    return true;
  } catch (err) {
    logger.warn({ err }, "The tokenizer will be loaded when it is asked for");
    return false;
  }
}
