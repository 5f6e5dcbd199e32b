import { assertStorable, MemoryError, type Person } from "@engram/memory";
import type { RouteContext } from "./route.ts";
import { param } from "./route.ts";

/** Whom a path under /api/users is about, within the key's project. */
export function personOf({ req, principal }: Pick<RouteContext, "req" | "principal">): Person {
  const userId = param(req, "user_id");
  assertStorable(userId, "user_id");
  return { projectId: principal.projectId, userId };
}

/** Where an unknown parameter is no trifle: whoever sends one expects less to happen than would. */
export function refuseUnknown(warnings: readonly string[], consequence: string): void {
  if (warnings.length === 0) return;
  throw new MemoryError("invalid", `${warnings[0]}. ${consequence}`, {
    details: warnings.map((message) => ({ message })),
  });
}
