import { storableContent, uuidv7, type Speaker } from "@engram/memory";
import type { ApiDeps } from "../app.ts";
import { MESSAGES_MAX, NAME_LENGTH_MAX, toMessages } from "../to-messages.ts";
import { textOf, type ChatMessage } from "./with-context.ts";

/** What is told of a talk, and in how long. */
export interface RememberRequest {
  readonly speaker: Speaker;
  /** As OpenAI has them. */
  readonly messages: readonly ChatMessage[];
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
    const { messages } = toMessages(request.messages.slice(-MESSAGES_MAX).map(asFarAsKept));
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

/** Nobody is there to mend a message that cannot be kept as it is: what can be is kept, and the exchange with it. */
function asFarAsKept({ role, name, content }: ChatMessage): ChatMessage {
  const speaker = typeof name === "string" ? storableContent(name.slice(0, NAME_LENGTH_MAX)) : "";
  return { role, content: storableContent(textOf(content)), ...(speaker === "" ? {} : { name: speaker }) };
}
