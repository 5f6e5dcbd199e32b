import { uuidv7, type Context, type Speaker } from "@engram/memory";
import type { ApiDeps } from "../app.ts";
import { toMessages } from "../to-messages.ts";

/** What is told of a talk, and in how long. */
export interface RememberRequest {
  readonly speaker: Speaker;
  /** As OpenAI has them. */
  readonly messages: readonly unknown[];
  readonly requestId: string;
}

/**
 * Keeps an exchange for later. Never throws and never holds anything up: an answer has been given already. The id of the
 * event; undefined where it could not be kept, which the log says.
 */
export async function remember(
  { sockets, ring, config, logger }: ApiDeps,
  request: RememberRequest,
): Promise<string | undefined> {
  const { speaker, requestId } = request;
  try {
    const { messages } = toMessages(request.messages);
    if (messages.length === 0) return undefined;
    const event = await sockets.conversations.add({
      eventId: uuidv7(),
      speaker,
      messages,
      metadata: {},
      infer: true,
      wishes: config.extraction.wishes,
      expiresAt: null,
      requestId,
    });
    if (event.completedAt === null)
      setTimeout(() => ring(messages.length, "extract"), config.extraction.debounceMs + 5).unref();
    return event.id;
  } catch (err) {
    logger.warn({ requestId, err }, "An exchange could not be kept");
    return undefined;
  }
}

/** The recall, or nothing where it does not come within `deadlineMs`: a slow memory never delays an answer by more. */
export async function inTime(
  recalled: Promise<Context>,
  { config, logger }: ApiDeps,
  requestId: string,
): Promise<Context | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      logger.warn({ requestId }, "Recall was too slow and is left out");
      resolve(undefined);
    }, config.recall.deadlineMs);
  });
  const found = recalled.catch((err: unknown) => {
    logger.warn({ requestId, err }, "Recall failed and is left out");
    return undefined;
  });
  try {
    return await Promise.race([found, late]);
  } finally {
    clearTimeout(timer);
  }
}
