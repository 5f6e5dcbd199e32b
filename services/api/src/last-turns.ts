import type { Message } from "@engram/memory";
import type { CountTokens } from "./count-tokens.ts";

/** Earlier turns of the session that a model is told, and their tokens: what is longer ago is memory's to tell. */
export const TURNS_MAX = 20;
const TURNS_TOKENS_MAX = 4_000;

/** Of a session's turns, the oldest first, the last ones that fit; what tools have reported is the application's. */
export function lastTurns(
  turns: readonly Pick<Message, "role" | "content">[],
  countTokens: CountTokens,
): readonly { readonly role: string; readonly content: string }[] {
  let left = TURNS_TOKENS_MAX;
  const talk = turns.filter(({ role }) => role !== "tool");
  const tooOld = talk.findLastIndex(({ content }) => (left -= countTokens(content)) < 0);
  return talk.slice(tooOld + 1).map(({ role, content }) => ({ role, content }));
}
