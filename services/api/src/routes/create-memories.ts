import {
  formatMemoryId,
  MemoryError,
  putRacing,
  splitGroups,
  toMemoryError,
  type MemoryDraft,
  type PutResult,
} from "@engram/memory";
import { z } from "zod";
import type { ApiDeps } from "../app.ts";
import { parse } from "../fields.ts";
import { withWarnings } from "../memory-json.ts";
import { defineRoute } from "../route.ts";
import { newMemory, toDraft } from "../to-draft.ts";

const ITEMS_MAX = 1000;
/** Rows of one statement: past 64 they count as bulk, and PGlite must not block its process for long. */
const GROUP_SIZE = 250;

const body = z.object({
  memories: z.array(z.unknown()).meta({ description: `Up to ${ITEMS_MAX} bodies of POST /api/memories.` }),
});

type Result = { index: number; id: string; created: boolean } | { index: number; error: string; message: string };

export const createMemories = defineRoute({
  method: "post",
  path: "/api/memories/bulk",
  summary: "Remember many statements; one bad item spoils no other.",
  body,
  async handle({ deps, req, principal, requestId }) {
    const { input, warnings } = parse(body, req.body);
    if (input.memories.length > ITEMS_MAX)
      throw new MemoryError("too_large", `memories: at most ${ITEMS_MAX} items at once`);

    const results: Result[] = [];
    const drafts: { index: number; draft: MemoryDraft }[] = [];
    const unknown = new Set<string>();
    input.memories.forEach((item, index) => {
      try {
        const parsed = parse(newMemory, item);
        for (const warning of parsed.warnings) unknown.add(warning);
        drafts.push({ index, draft: toDraft(parsed.input, { projectId: principal.projectId, requestId }) });
      } catch (error) {
        results[index] = failed(index, error);
      }
    });

    let position = 0;
    for (const group of splitGroups(
      drafts.map((one) => one.draft),
      GROUP_SIZE,
    )) {
      const put = await putGroup(deps, group);
      for (const one of put) {
        const index = drafts[position++]?.index ?? -1;
        results[index] =
          one instanceof MemoryError
            ? failed(index, one)
            : { index, id: formatMemoryId(one.memory.id), created: one.created };
      }
    }
    if (drafts.length > 0) deps.ring(drafts.length);

    const created = results.filter((one) => "created" in one && one.created).length;
    const failures = results.filter((one) => "error" in one).length;
    deps.metrics.writes.inc({ operation: "bulk", outcome: "created" }, created);
    const answer = results.map((one) =>
      "error" in one ? one : { index: one.index, id: one.id, ...(one.created ? {} : { duplicate: true }) },
    );
    return {
      status: 200,
      body: {
        results: answer,
        created,
        duplicates: results.length - created - failures,
        failed: failures,
        ...withWarnings([...warnings, ...unknown]),
      },
    };
  },
});

/** A group in one statement; when a row of it is refused, each by itself. The truth being away fails the whole request. */
async function putGroup(
  { sockets }: ApiDeps,
  group: readonly MemoryDraft[],
): Promise<readonly (PutResult | MemoryError)[]> {
  try {
    return await putRacing(sockets.store, group);
  } catch (error) {
    if (toMemoryError(error).code === "unavailable") throw error;
  }
  const results: (PutResult | MemoryError)[] = [];
  for (const draft of group) {
    try {
      results.push(...(await putRacing(sockets.store, [draft])));
    } catch (error) {
      results.push(toMemoryError(error));
    }
  }
  return results;
}

const REASON_OF_ITEM: Partial<Record<MemoryError["code"], string>> = {
  invalid: "Bad Request",
  too_large: "Payload Too Large",
  conflict: "Conflict",
};

function failed(index: number, thrown: unknown): Result {
  const error = toMemoryError(thrown);
  return { index, error: REASON_OF_ITEM[error.code] ?? "Internal Server Error", message: error.message };
}
