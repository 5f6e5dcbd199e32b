import { normalizeContent, type KeptResult, type Memory, type MemoryPatch } from "@engram/memory";
import { z } from "zod";
import { admitUpdate } from "../admit-write.ts";
import { fields, parse } from "../fields.ts";
import { memoryId, notFound } from "../memory-id.ts";
import { memoryJson, withWarnings } from "../memory-json.ts";
import { defineRoute, param, type RouteContext } from "../route.ts";
import { expiryOf } from "../to-draft.ts";
import { settleIndexed } from "../wait-until-indexed.ts";

/** What can be changed; never whose memory it is, nor who sees it. */
const body = z.object({
  content: fields.content.optional(),
  type: fields.type.optional(),
  key: fields.key.optional(),
  metadata: fields.metadata.optional(),
  importance: fields.importance.optional(),
  categories: fields.categories.optional(),
  occurred_at: fields.occurred_at.optional(),
  expires_at: fields.expires_at.optional(),
  ttl_seconds: fields.ttl_seconds.optional(),
  wait: fields.wait.optional(),
});

export const replaceMemory = defineRoute({
  method: "put",
  path: "/api/memories/:id",
  summary: "Change a memory; metadata that is given takes the place of the old.",
  body,
  idempotent: true,
  handle: (context) => update(context, { mergeMetadata: false }),
});

export const patchMemory = defineRoute({
  method: "patch",
  path: "/api/memories/:id",
  summary: "Change a memory; metadata that is given is merged into the old.",
  body,
  idempotent: true,
  handle: (context) => update(context, { mergeMetadata: true }),
});

async function update(
  { deps, req, principal, requestId, keyed }: RouteContext,
  { mergeMetadata }: { mergeMetadata: boolean },
) {
  const id = memoryId(param(req, "id"));
  const { input, warnings } = parse(body, req.body ?? {});
  const patch = toPatch(input, mergeMetadata);
  const actor = { requestId, name: principal.name };
  const change = async (): Promise<Changed> => {
    await admitUpdate(deps, { projectId: principal.projectId, id, content: patch.content });
    const memory = await deps.sockets.store.updateMemory(principal.projectId, id, patch, actor, keyed);
    if (memory === undefined) throw notFound();
    return { memory };
  };
  const { result, replayed } = await deps.once(keyed, change, toChanged);
  deps.metrics.writes.inc({ operation: "update", outcome: replayed ? "replayed" : "updated" });
  if (result.memory.indexStatus === "pending") deps.ring(1);
  const indexed = await settleIndexed(deps, result, input.wait ?? 0, keyed);
  return { status: 200, body: { ...memoryJson(indexed), ...withWarnings([...warnings, ...idle(patch)]) }, replayed };
}

/** Nothing to change is no error (null is absent), but rarely what was meant. */
function idle({ mergeMetadata: _way, ...changes }: MemoryPatch): readonly string[] {
  return Object.keys(changes).length === 0 ? ["Nothing was given that changes a memory, so nothing has changed"] : [];
}

interface Changed {
  readonly memory: Memory;
  readonly settled?: boolean;
}

function toChanged({ memory, settled }: KeptResult): Changed {
  if (memory === undefined) throw new Error("the answer of an update that is kept has no memory");
  return { memory, settled };
}

function toPatch(input: z.output<typeof body>, mergeMetadata: boolean): MemoryPatch {
  const expiresAt = expiryOf(input);
  return {
    mergeMetadata,
    ...(input.content === undefined ? {} : { content: normalizeContent(input.content) }),
    ...(input.type === undefined ? {} : { type: input.type }),
    ...(input.key === undefined ? {} : { key: input.key }),
    ...(input.metadata === undefined ? {} : { metadata: input.metadata }),
    ...(input.importance === undefined ? {} : { importance: input.importance }),
    ...(input.categories === undefined ? {} : { categories: input.categories }),
    ...(input.occurred_at === undefined ? {} : { occurredAt: input.occurred_at }),
    ...(expiresAt === null ? {} : { expiresAt }),
  };
}
