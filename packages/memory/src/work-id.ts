import { formatMemoryId, parseMemoryId } from "./ids.ts";
import type { WorkId } from "./ports/index.ts";

/** A piece of work as operators see it: its topic and its memory, `index:main:mem_…`. */
export function formatWorkId({ topic, key }: WorkId): string {
  return `${topic}:${formatMemoryId(key)}`;
}

/** Undefined: no id of work. */
export function parseWorkId(id: string): WorkId | undefined {
  const end = id.lastIndexOf(":");
  const key = parseMemoryId(id.slice(end + 1));
  return end > 0 && key !== undefined ? { topic: id.slice(0, end), key } : undefined;
}
