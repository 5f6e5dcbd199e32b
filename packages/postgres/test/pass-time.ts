import type { Executor } from "@engram/sql";

const PAST = "$1::float8 * interval '1 s'";

/** Tables with times that something is decided by, or counted from. */
const TIMES: Readonly<Record<string, readonly string[]>> = {
  "engram.outbox": ["due_at", "doubt_until", "created_at", "parked_at"],
  "engram.schedules": ["finished_at"],
  // Not filled_at: a reindex knows by it which filling it has compared.
  "engram.index_targets": ["retire_at"],
};

const STATEMENT = Object.entries(TIMES)
  .map(
    ([table, columns]) =>
      `UPDATE ${table} SET ${columns.map((column) => `${column} = ${column} - ${PAST}`).join(", ")}`,
  )
  .map((update, i, { length }) => (i < length - 1 ? `t${i} AS (${update})` : update));

/** Time passes for all that is stored: everything that has a time was that much earlier. Nobody has to wait. */
export async function passTime(db: Executor, seconds: number): Promise<void> {
  await db.query(`WITH ${STATEMENT.slice(0, -1).join(", ")} ${STATEMENT.at(-1)}`, [seconds]);
}
