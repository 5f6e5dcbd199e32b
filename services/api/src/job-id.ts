import { MemoryError, parseWorkId, type WorkId } from "@engram/memory";

/** The work behind a job's id. Throws `invalid`, naming the field, when it is none. */
export function jobId(id: string, field: string): WorkId {
  const work = parseWorkId(id);
  if (work !== undefined) return work;
  const message = `${field}: ${id.slice(0, 100)} is no job; they look like index:main:mem_…`;
  throw new MemoryError("invalid", message, { details: [{ field, message }] });
}
