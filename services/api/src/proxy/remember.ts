import { uuidv7, type Speaker } from "@engram/memory";
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
