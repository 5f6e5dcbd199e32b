import { SORTS, type MemoryFilter, type MemoryStore } from "@engram/memory";
import { z } from "zod";
import { fields, LIMIT_DEFAULT } from "./fields.ts";
import { memoryJson, withWarnings } from "./memory-json.ts";

/** What every listing of memories takes besides its filter. */
export const pageFields = {
  as_of: fields.as_of.optional(),
  limit: fields.limit.optional(),
  offset: fields.offset.optional(),
  cursor: fields.cursor.optional(),
  sort: z.enum(SORTS).optional().meta({ description: "`-created_at` unless told otherwise." }),
};

/** One page as the wire has it. `filter` is without `as_of`, which stands among the page's fields. */
export async function listPage(
  store: Pick<MemoryStore, "listMemories">,
  filter: MemoryFilter,
  { as_of, limit = LIMIT_DEFAULT, offset = 0, cursor, sort = "-created_at" }: z.output<z.ZodObject<typeof pageFields>>,
  warnings: Parameters<typeof withWarnings>[0],
) {
  const page = await store.listMemories({
    filter: { ...filter, ...(as_of === undefined ? {} : { asOf: as_of }) },
    sort,
    limit,
    offset,
    ...(cursor === undefined ? {} : { cursor }),
  });
  return {
    status: 200,
    body: {
      memories: page.memories.map(memoryJson),
      total: page.total,
      limit,
      offset,
      next_cursor: page.nextCursor,
      ...withWarnings(warnings),
    },
  };
}
