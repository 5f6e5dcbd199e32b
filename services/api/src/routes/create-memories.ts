import {
  formatMemoryId,
  inSteps,
  keyOfItem,
  MemoryError,
  putItems,
  splitGroups,
  toMemoryError,
  type MemoryDraft,
} from "@engram/memory";
import { z } from "zod";
import { admitWrite } from "../admit-write.ts";
import { parse } from "../fields.ts";
import { withWarnings } from "../memory-json.ts";
import { defineRoute, type RouteContext } from "../route.ts";
import { newMemory, toDraft } from "../to-draft.ts";

const ITEMS_MAX = 1000;
/** Rows of one statement: past 64 they count as bulk, and PGlite must not block its process for long. */
const GROUP_SIZE = 250;

const body = z.object({
  memories: z.array(z.unknown()).meta({ description: `Up to ${ITEMS_MAX} bodies of POST /api/memories.` }),
});

type Result = { index: number; id: string; created: boolean } | { index: number; error: string; message: string };

/** The items as they were sent, read: what can be put, and the results of those that cannot. */
interface Items {
  readonly results: Result[];
  readonly drafts: readonly { readonly index: number; readonly draft: MemoryDraft }[];
  readonly warnings: readonly string[];
}

export const createMemories = defineRoute({
  method: "post",
  path: "/api/memories/bulk",
  summary: "Remember many statements; one bad item spoils no other.",
  body,
  idempotent: true,
  async handle(context) {
    const { deps, req, principal, keyed } = context;
    const { input, warnings } = parse(body, req.body);
    if (input.memories.length > ITEMS_MAX)
      throw new MemoryError("too_large", `memories: at most ${ITEMS_MAX} items at once`);
    const items = readItems(input.memories, context);
    const { result, replayed } = await deps.once(
      keyed,
      () => {
        admitWrite(deps, "bulk", items.drafts.length);
        return inSteps(deps.sockets.answers, keyed, principal.projectId, (resumed) =>
          putAll(items, context, { resumed }),
        );
      },
      (kept) => kept.value as Awaited<ReturnType<typeof putAll>>,
    );
    if (replayed) deps.metrics.writes.inc({ operation: "bulk", outcome: "replayed" });
    else deps.metrics.writes.inc({ operation: "bulk", outcome: "created" }, result.created);
    return { status: 200, body: { ...result, ...withWarnings([...warnings, ...items.warnings]) }, replayed };
  },
});

function readItems(given: readonly unknown[], { principal, requestId, keyed }: RouteContext): Items {
  const results: Result[] = [];
  const drafts: { index: number; draft: MemoryDraft }[] = [];
  const unknown = new Set<string>();
  given.forEach((item, index) => {
    try {
      const parsed = parse(newMemory, item);
      for (const warning of parsed.warnings) unknown.add(warning);
      const draft = toDraft(parsed.input, { projectId: principal.projectId, requestId });
      drafts.push({ index, draft: { ...draft, keyed: keyed === undefined ? undefined : keyOfItem(keyed, index) } });
    } catch (error) {
      results[index] = failed(index, error);
    }
  });
  return { results, drafts, warnings: [...unknown] };
}

/** Safe to run again: of a keyed bulk each item is put once. */
async function putAll({ results, drafts }: Items, { deps }: RouteContext, { resumed }: { resumed: boolean }) {
  let position = 0;
  for (const group of splitGroups(
    drafts.map((one) => one.draft),
    GROUP_SIZE,
  )) {
    for (const item of await putItems(deps.sockets, group, { resumed })) {
      const index = drafts[position++]?.index ?? -1;
      results[index] =
        item instanceof MemoryError
          ? failed(index, item)
          : { index, id: formatMemoryId(item.id), created: item.created };
    }
  }
  if (drafts.length > 0) deps.ring(drafts.length);

  const created = results.filter((one) => "created" in one && one.created).length;
  const failures = results.filter((one) => "error" in one).length;
  return {
    results: results.map((one) =>
      "error" in one ? one : { index: one.index, id: one.id, ...(one.created ? {} : { duplicate: true }) },
    ),
    created,
    duplicates: results.length - created - failures,
    failed: failures,
  };
}

const REASON_OF_ITEM: Partial<Record<MemoryError["code"], string>> = {
  invalid: "Bad Request",
  not_found: "Not Found",
  too_large: "Payload Too Large",
  conflict: "Conflict",
};

function failed(index: number, thrown: unknown): Result {
  const error = toMemoryError(thrown);
  return { index, error: REASON_OF_ITEM[error.code] ?? "Internal Server Error", message: error.message };
}
