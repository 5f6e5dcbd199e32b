import { formatEventId, formatMemoryId, type AddEvent } from "@engram/memory";

/** An event on the wire: `results` once it is done, `error` where there is one. */
export function eventJson(event: AddEvent) {
  return {
    event_id: formatEventId(event.id),
    status: event.status,
    ...(event.completedAt === null
      ? {}
      : {
          results: event.results.map(({ id, memory, event: what }) => ({
            id: formatMemoryId(id),
            memory,
            event: what,
          })),
        }),
    ...(event.error === null ? {} : { error: event.error }),
  };
}
