import type { Actor } from "@engram/memory";
import type { Values } from "@engram/sql";

/**
 * A CTE `actor` that tells the triggers who acts, in the same round trip and for this transaction only. The statement
 * must depend on it: join it, and say `ACTOR_SET` in its WHERE.
 */
export function asActor(actor: Actor, values: Values): string {
  return `actor AS MATERIALIZED (SELECT set_config('engram.request_id', ${values.add(actor.requestId ?? "")}::text, true) AS request,
    set_config('engram.actor', ${values.add(actor.name ?? "")}::text, true) AS name)`;
}

export const ACTOR_SET = "actor.request IS NOT NULL AND actor.name IS NOT NULL";
