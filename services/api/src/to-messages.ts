import { MemoryError, normalizeContent, uuidv7, type MessageDraft, type Role } from "@engram/memory";
import { parseTime } from "./time-fields.ts";

/** More of them in one call is a mistake in a loop; the body's limit is met first as a rule. */
export const MESSAGES_MAX = 1_000;
export const NAME_LENGTH_MAX = 256;
const AHEAD_MAX_MS = 86_400_000;

const ROLE_NAMES: Readonly<Record<string, Role>> = {
  user: "user",
  human: "user",
  assistant: "assistant",
  ai: "assistant",
  model: "assistant",
  bot: "assistant",
  system: "system",
  developer: "system",
  tool: "tool",
  function: "tool",
};

/**
 * The messages of a body: a list of `{role, content}`, one such, or a plain text, which is the user's. Content may be
 * OpenAI's parts, of which the texts are taken. Left out, with a warning: system messages (they are the application's) and
 * those without text. Throws `invalid` or `too_large` with the field's path.
 */
export function toMessages(given: unknown): { messages: readonly MessageDraft[]; warnings: readonly string[] } {
  const list = listOf(given);
  if (list.length === 0) throw wrong("messages", "must hold at least one message");
  if (list.length > MESSAGES_MAX) throw wrong("messages", `holds ${list.length}, at most ${MESSAGES_MAX} are taken`);
  const warnings = new Set<string>();
  const messages = list.flatMap((one: unknown, i): readonly MessageDraft[] => {
    const path = `messages.${i}`;
    const { role, name, content, saidAt } = readMessage(one, path);
    if (role === "system") {
      warnings.add("System messages are left out: they are not what was said");
      return [];
    }
    if (content.trim() === "") {
      warnings.add("Messages without text are left out");
      return [];
    }
    return [{ id: uuidv7(), role, name, content: normalizeContent(content, `${path}.content`), saidAt }];
  });
  return { messages, warnings: [...warnings] };
}

/** The messages of a body as they came: a list, one, or a plain text. */
export function listOf(given: unknown): readonly unknown[] {
  return typeof given === "string" ? [{ role: "user", content: given }] : Array.isArray(given) ? given : [given];
}

/** The field's name of a role; undefined where it is none. Left out it is the user's. */
export function roleOf(role: unknown = "user"): Role | undefined {
  const name = typeof role === "string" ? role.toLowerCase() : "";
  // Own names only: every object has a "constructor".
  return Object.hasOwn(ROLE_NAMES, name) ? ROLE_NAMES[name] : undefined;
}

function readMessage(
  given: unknown,
  path: string,
): { role: Role; name: string | null; content: string; saidAt: Date | null } {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw wrong(path, "must be an object with role and content");
  const message = given as Record<string, unknown>;
  const { role, name, content, timestamp } = message;
  const known = roleOf(role);
  if (known === undefined) throw wrong(`${path}.role`, "must be user, assistant, system or tool");
  if (!("content" in message)) throw wrong(`${path}.content`, "is missing");
  if (name !== undefined && name !== null && (typeof name !== "string" || name.length > NAME_LENGTH_MAX))
    throw wrong(`${path}.name`, `must be a text of at most ${NAME_LENGTH_MAX} characters`);
  return {
    role: known,
    name: typeof name === "string" && name !== "" ? normalizeContent(name, `${path}.name`) : null,
    content: textOf(content, `${path}.content`),
    saidAt: timeOf(timestamp, `${path}.timestamp`),
  };
}

/** The text of a content: a string, or parts of which those of text count. Null, as beside tool calls, is none. */
function textOf(content: unknown, path: string): string {
  if (content === null) return "";
  if (typeof content === "string") return content;
  if (typeof content === "number") return String(content);
  if (!Array.isArray(content)) throw wrong(path, "must be a text, or a list of parts");
  return content
    .map((part: unknown, i) => {
      if (typeof part === "string") return part;
      if (typeof part !== "object" || part === null) throw wrong(`${path}.${i}`, "must be a part with a type");
      const text: unknown = "text" in part ? part.text : undefined;
      return typeof text === "string" ? text : "";
    })
    .filter((text) => text !== "")
    .join("\n");
}

/** ISO 8601, or seconds or milliseconds since 1970; no more than a day ahead, as a clock is that tells a local time as UTC. */
function timeOf(given: unknown, path: string): Date | null {
  if (given === undefined || given === null) return null;
  const time =
    typeof given === "number"
      ? new Date(given > 1e11 ? given : given * 1000)
      : typeof given === "string"
        ? parseTime(given.trim())
        : undefined;
  if (time === undefined || Number.isNaN(time.getTime()) || time.getUTCFullYear() < 1)
    throw wrong(path, "must be a time in ISO 8601, such as 2026-05-18T10:30:00Z");
  if (time.getTime() > Date.now() + AHEAD_MAX_MS)
    throw wrong(path, "lies in the future: say it in ISO 8601, or in seconds or milliseconds since 1970");
  return time;
}

function wrong(field: string, problem: string): MemoryError {
  const message = `${field}: ${problem}`;
  return new MemoryError("invalid", message, { details: [{ field, message }] });
}
