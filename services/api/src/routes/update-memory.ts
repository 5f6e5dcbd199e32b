import { normalizeContent, type MemoryPatch } from "@engram/memory";
import { z } from "zod";
import { fields, parse } from "../fields.ts";
import { memoryId, notFound } from "../memory-id.ts";
import { memoryJson, withWarnings } from "../memory-json.ts";
import { defineRoute, param, type RouteContext } from "../route.ts";
import { expiryOf } from "../to-draft.ts";
import { waitUntilIndexed } from "../wait-until-indexed.ts";

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
  handle: (context) => update(context, { mergeMetadata: false }),
});

export const patchMemory = defineRoute({
  method: "patch",
  path: "/api/memories/:id",
  summary: "Change a memory; metadata that is given is merged into the old.",
  body,
  handle: (context) => update(context, { mergeMetadata: true }),
});

async function update(
  { deps, req, principal, requestId }: RouteContext,
  { mergeMetadata }: { mergeMetadata: boolean },
) {
  const id = memoryId(param(req, "id"));
  const { input, warnings } = parse(body, req.body ?? {});
  const memory = await deps.sockets.store.updateMemory(principal.projectId, id, toPatch(input, mergeMetadata), {
    requestId,
    name: principal.name,
  });
  if (memory === undefined) throw notFound();
  deps.metrics.writes.inc({ operation: "update", outcome: "updated" });
  if (memory.indexStatus === "pending") deps.ring(1);
  return {
    status: 200,
    body: { ...memoryJson(await waitUntilIndexed(deps, memory, input.wait ?? 0)), ...withWarnings(warnings) },
  };
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
