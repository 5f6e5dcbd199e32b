import { createHash } from "node:crypto";
import type { AddDraft, MessageDraft, Speaker } from "@engram/memory";

/** Fewer characters ("да", "okay, do that") mean something only with what they answer. */
const MEANS_ITSELF = 20;

interface Sameness {
  /** As a uuid: of the words, who said them and where. */
  readonly textHash: string;
  /** True: equal words are the same message only where they follow the same one. */
  readonly isShort: boolean;
}

/**
 * What makes two messages one, so that a client may send its history again and again: the same words of the same role in
 * the same session, at the same time where the client tells times. Short ones must follow the same message besides.
 */
function samenessOf(owner: string, { agentId, sessionId }: Speaker, message: MessageDraft): Sameness {
  const { role, name, content, saidAt } = message;
  const identity = [owner, agentId, sessionId, role, name, content, saidAt?.toISOString() ?? null];
  return {
    textHash: createHash("md5").update(JSON.stringify(identity)).digest("hex"),
    isShort: content.length < MEANS_ITSELF,
  };
}

/** The messages of a call as its statement takes them. */
export function saidIn(owner: string, { speaker, messages }: Pick<AddDraft, "speaker" | "messages">) {
  const hashes = messages.map((message) => samenessOf(owner, speaker, message));
  return messages.map(({ id, role, name, content, saidAt }, i) => ({
    ord: i + 1,
    id,
    role,
    name,
    content,
    said_at: saidAt,
    text_hash: hashes[i]?.textHash,
    previous_hash: hashes[i - 1]?.textHash ?? null,
    is_short: hashes[i]?.isShort,
  }));
}
