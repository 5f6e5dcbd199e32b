import type { Executor } from "@engram/sql";

/** Time passes for all that is stored: everything that has a time was that much earlier. Nobody has to wait. */
export async function passTime(db: Executor, seconds: number): Promise<void> {
  const past = "$1::float8 * interval '1 s'";
  await db.query(
    `UPDATE engram.outbox SET due_at = due_at - ${past}, doubt_until = doubt_until - ${past}, created_at = created_at - ${past}, parked_at = parked_at - ${past}`,
    [seconds],
  );
}
