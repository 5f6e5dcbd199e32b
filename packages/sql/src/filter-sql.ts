import { visibleTo, type MemoryFilter, type Visible } from "@engram/memory";
import { conditionSql } from "./condition-sql.ts";
import type { Values } from "./values.ts";

/** The rows a filter lets through, as a condition over the table alias `m`. */
export function filterSql(filter: MemoryFilter, values: Values): string {
  const { scope, types, key, createdAfter, createdBefore } = filter;
  const conditions = [
    `m.project_id = ${values.add(scope.projectId)}::uuid`,
    anyOf(visibleTo(scope).map((visible) => visibleSql(visible, values))),
  ];
  if (filter.includeHidden !== true)
    conditions.push(validSql(filter, values), "(m.expires_at IS NULL OR m.expires_at > statement_timestamp())");
  if (types !== undefined) conditions.push(`m.type = ANY(${values.add(types)}::text[])`);
  if (key !== undefined) conditions.push(`m.key = ${values.add(key)}::text`);
  if (createdAfter !== undefined) conditions.push(`m.created_at >= ${values.add(createdAfter)}::timestamptz`);
  if (createdBefore !== undefined) conditions.push(`m.created_at < ${values.add(createdBefore)}::timestamptz`);
  if (filter.condition !== undefined) conditions.push(conditionSql(filter.condition, values));
  return conditions.join(" AND ");
}

/** To the millisecond, as the times are shown: a time that was read of a memory means that very moment. */
function validSql({ asOf }: MemoryFilter, values: Values): string {
  if (asOf === undefined) return "m.valid_to IS NULL";
  const time = `${values.add(asOf)}::timestamptz`;
  return `date_trunc('milliseconds', m.valid_from) <= ${time} AND (m.valid_to IS NULL OR date_trunc('milliseconds', m.valid_to) > ${time})`;
}

function visibleSql({ level, userId, sessionId, agentId }: Visible, values: Values): string {
  const conditions: string[] = [];
  if (userId === null) conditions.push("m.user_id IS NULL");
  else if (userId !== undefined) conditions.push(`m.user_id = ${values.add(userId)}::text`);
  if (level !== undefined) conditions.push(`m.level = ${values.add(level)}::text`);
  if (sessionId !== undefined) conditions.push(`m.session_ids @> ARRAY[${values.add(sessionId)}::text]`);
  if (agentId !== undefined) conditions.push(`m.agent_ids @> ARRAY[${values.add(agentId)}::text]`);
  return conditions.length === 0 ? "true" : conditions.join(" AND ");
}

function anyOf(conditions: readonly string[]): string {
  return conditions.length === 1 ? `(${conditions.join("")})` : `(${conditions.map((one) => `(${one})`).join(" OR ")})`;
}
