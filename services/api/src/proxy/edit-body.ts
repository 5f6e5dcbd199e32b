import { childrenOf, type Child } from "./children-of.ts";
import { contextMessage, type ChatMessage } from "./with-context.ts";

/** What the proxy changes in a request. */
export interface BodyEdits {
  /** Undefined: it stays. */
  readonly model: string | undefined;
  /** Put before the talk; empty: there is nothing to tell. */
  readonly context: string;
}

/** The body with these values in place of its own, every other byte as it came. `json` must be an object's valid JSON. */
export function editBody(json: string, { model, context }: BodyEdits): string {
  const fields = new Map<string | undefined, Child>();
  // Of a name that comes twice the last counts, as everywhere.
  for (const field of childrenOf(json, json.indexOf("{"))) fields.set(field.name, field);
  const edits = [
    model === undefined ? undefined : edit(fields.get("model"), JSON.stringify(model)),
    context === "" ? undefined : contextEdit(json, fields.get("messages"), context),
  ].filter((one) => one !== undefined);
  return edits
    .toSorted((left, right) => right.start - left.start)
    .reduce((text, { start, end, value }) => text.slice(0, start) + value + text.slice(end), json);
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly value: string;
}

function edit(field: Child | undefined, value: string): Edit | undefined {
  return field === undefined ? undefined : { start: field.start, end: field.end, value };
}

function contextEdit(json: string, messages: Child | undefined, context: string): Edit | undefined {
  const [first] = messages === undefined || json[messages.start] !== "[" ? [] : childrenOf(json, messages.start);
  if (first === undefined) return undefined;
  const { message, replaces } = contextMessage(
    JSON.parse(json.slice(first.start, first.end)) as ChatMessage | null,
    context,
  );
  return replaces
    ? edit(first, JSON.stringify(message))
    : { start: first.start, end: first.start, value: `${JSON.stringify(message)},` };
}
