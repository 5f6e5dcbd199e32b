import { MemoryError, parseMemoryId } from "@engram/memory";

/** The UUID of an id in a path. Absent, malformed and foreign are one and the same answer: 404. */
export function memoryId(text: string): string {
  const id = parseMemoryId(text);
  if (id === undefined) throw notFound();
  return id;
}

export function notFound(): MemoryError {
  return new MemoryError("not_found", "Memory not found");
}
