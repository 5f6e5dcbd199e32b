/**
 * The users of a table, each once, as a query: a loose scan over its index on user_id, which costs one probe for each
 * user whatever the number of rows. `condition` is over the alias `m`; an optional `after` names the value to begin beyond.
 */
export function distinctUsers(
  table: string,
  condition: string,
  options: { after?: string; limit?: string } = {},
): string {
  const first = options.after === undefined ? "m.user_id IS NOT NULL" : `m.user_id > ${options.after}::text`;
  return `WITH RECURSIVE users AS (
    (SELECT m.user_id FROM ${table} m WHERE ${condition} AND ${first} ORDER BY m.user_id LIMIT 1)
    UNION ALL
    SELECT (SELECT m.user_id FROM ${table} m WHERE ${condition} AND m.user_id > u.user_id ORDER BY m.user_id LIMIT 1)
    FROM users u WHERE u.user_id IS NOT NULL)
  SELECT user_id FROM users WHERE user_id IS NOT NULL${options.limit === undefined ? "" : ` LIMIT ${options.limit}`}`;
}
