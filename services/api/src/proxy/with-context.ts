import type { ChatBody } from "./who.ts";

export interface ChatMessage {
  readonly role?: unknown;
  readonly name?: unknown;
  readonly content?: unknown;
}

/** The talk of a body; empty where it is none. */
export function messagesOf({ messages }: ChatBody): readonly ChatMessage[] {
  return Array.isArray(messages)
    ? messages.filter((one: unknown): one is ChatMessage => typeof one === "object" && one !== null)
    : [];
}

/**
 * The messages with the context at the end of what the application says first, or as a system message of its own before
 * all: some models take one system message only, and tool calls must stay beside their answers.
 */
export function withContext(messages: readonly ChatMessage[], context: string): readonly ChatMessage[] {
  if (context === "") return messages;
  const { message, replaces } = contextMessage(messages[0] ?? null, context);
  return [message, ...messages.slice(replaces ? 1 : 0)];
}

/** The message that tells the context: the application's first one with it, in that one's place, or one to be put before. */
export function contextMessage(
  first: ChatMessage | null,
  context: string,
): { readonly message: ChatMessage; readonly replaces: boolean } {
  if (first?.role !== "system" && first?.role !== "developer")
    return { message: { role: "system", content: context }, replaces: false };
  const content = Array.isArray(first.content)
    ? [...(first.content as unknown[]), { type: "text", text: context }]
    : `${typeof first.content === "string" ? first.content : ""}\n\n${context}`.trimStart();
  return { message: { ...first, content }, replaces: true };
}

/** The user's last words, to look for memories with. */
export function lastQuestion(messages: readonly ChatMessage[]): string | undefined {
  const last = messages.findLast((message) => message.role === "user");
  return typeof last?.content === "string" || Array.isArray(last?.content) ? textOf(last.content) : undefined;
}

/** The text of a content, a string or parts; whatever else stands in it is the provider's to judge. */
export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  const texts = content.map((part: unknown) =>
    typeof part === "object" && part !== null && "text" in part ? part.text : undefined,
  );
  return texts.filter((text) => typeof text === "string").join("\n");
}

/**
 * What a request adds to the talk: the user's last words on, and the assistant's before them, which they answer. What
 * tools have reported is the application's.
 */
export function newTurns(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const talk = messages.filter(
    ({ role, content }) =>
      (role === "user" || role === "assistant") && content !== null && content !== undefined && content !== "",
  );
  const last = talk.findLastIndex((message) => message.role === "user");
  if (last < 0) return [];
  const first = talk.slice(0, last).findLastIndex((message) => message.role === "assistant");
  return talk.slice(Math.max(0, first));
}
