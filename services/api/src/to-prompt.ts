import type { Role } from "@engram/memory";
import { listOf, roleOf } from "./to-messages.ts";

/** A message as OpenAI's API takes it. */
export interface PromptMessage {
  readonly role: Role;
  readonly content: unknown;
  readonly tool_calls?: unknown;
  readonly tool_call_id?: string;
}

/**
 * The messages of a body for a chat model: what `toMessages` has let through, with all that a model is to see of it beside
 * the texts that are kept: system messages, pictures, calls of tools and what came of them. Left out, because a provider
 * refuses the whole talk over it: a tool's answer to a call that is not there, and what says nothing.
 */
export function toPrompt(given: unknown): readonly PromptMessage[] {
  const calls = new Set<unknown>();
  return listOf(given).flatMap((one): readonly PromptMessage[] => {
    const message = one as Readonly<Record<string, unknown>>;
    const role = roleOf(message["role"]);
    const content = contentOf(message["content"]);
    if (role === undefined) return [];
    if (role === "tool") {
      const id = message["tool_call_id"];
      return typeof id === "string" && calls.has(id) ? [{ role, content, tool_call_id: id }] : [];
    }
    const made = role === "assistant" ? message["tool_calls"] : undefined;
    if (!Array.isArray(made) || made.length === 0) return content === "" ? [] : [{ role, content }];
    for (const call of made as readonly ({ readonly id?: unknown } | null)[]) calls.add(call?.id);
    return [{ role, content: content === "" ? null : content, tool_calls: made }];
  });
}

/** Lenient as what is kept: numbers are texts, and texts among parts are parts. */
function contentOf(content: unknown): unknown {
  if (content === null || content === undefined) return "";
  if (typeof content === "number") return String(content);
  if (!Array.isArray(content)) return content;
  return content.length === 0
    ? ""
    : content.map((part: unknown) => (typeof part === "string" ? { type: "text", text: part } : part));
}
