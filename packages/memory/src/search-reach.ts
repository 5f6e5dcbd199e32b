import type { MemoryStore, VectorIndex } from "./ports/index.ts";
import { tenantOf, visibleTo, type MemoryFilter } from "./scope.ts";
import type { Degradation } from "./search-request.ts";

/**
 * Users of one session or agent whose vectors a search without a user goes through, in an index that must be told whose: the
 * list goes along with every such question, 40 bytes each.
 */
const OWNERS_MAX = 1_000;

interface Sides {
  readonly index: VectorIndex;
  readonly store: MemoryStore;
}

/** So many ids go along with a question to an index; a condition that lets more through leaves enough for the join to find. */
const IDS_MAX = 5_000;

/** What a condition lets through, for an index that does not know the rows. Undefined: no condition, or too many. */
export async function idsOf({ index, store }: Sides, filter: MemoryFilter): Promise<readonly string[] | undefined> {
  if (filter.condition === undefined || index.joinsRows === true) return undefined;
  const ids = await store.findIds(filter, IDS_MAX + 1);
  return ids.length > IDS_MAX ? undefined : ids;
}

/**
 * The tenants whose points the caller may see; where it names no user, the owners are asked of the truth. An index that asks
 * the rows themselves need not be told of those.
 */
export async function tenantsOf(
  { index, store }: Sides,
  filter: MemoryFilter,
): Promise<{ readonly tenants: readonly string[]; readonly areAll: boolean }> {
  const { projectId, agentId } = filter.scope;
  const tenants = new Set<string>();
  let areAll = true;
  for (const visible of visibleTo(filter.scope)) {
    const { userId, agentId: agent = agentId ?? null } = visible;
    if (userId !== undefined) tenants.add(tenantOf({ projectId, userId, agentId: agent }));
    else if (index.joinsRows !== true) {
      const owners = await store.findOwners(filter, OWNERS_MAX + 1);
      areAll &&= owners.length <= OWNERS_MAX;
      for (const owner of owners.slice(0, OWNERS_MAX)) tenants.add(tenantOf({ projectId, ...owner }));
    }
  }
  return { tenants: [...tenants], areAll };
}

/** Of an answer for which not all were named. */
export const MANY_USERS: Degradation = {
  code: "many_users",
  message: `More than ${OWNERS_MAX} users share this session or agent; beyond those with the newest memories words answer alone. Name a user_id`,
};
