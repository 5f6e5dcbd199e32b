import type { PGlite } from "@electric-sql/pglite";

/** As autovacuum_naptime of a server. */
const LOOK_EVERY_MS = 60_000;
/** Rows must be frozen long before 2^31 transactions have passed; autovacuum_freeze_max_age of a server is 200 million. */
const FREEZE_AGE = 150_000_000;

/**
 * Tables that have grown by a fifth and 50 pages since their last VACUUM, the smallest first: rows that are gone give their
 * room back only then, so without it whatever changes makes its table grow. (A server's autovacuum counts the rows that are
 * gone; those counts do not outlive an embedded process.)
 */
const DUE = `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence = 'p'
    AND (pg_relation_size(c.oid) > (1.2 * c.relpages + 50) * current_setting('block_size')::int OR age(c.relfrozenxid) > ${FREEZE_AGE})
  ORDER BY pg_relation_size(c.oid)`;

/**
 * Frees the room of rows that are gone and tells the planner what the tables hold, where that is due: an embedded database has
 * no autovacuum. Gives the names of the tables. Table by table, so that what waits comes in between.
 */
export async function vacuumDue(db: Pick<PGlite, "query" | "exec">): Promise<readonly string[]> {
  const { rows } = await db.query<{ name: string }>(DUE);
  for (const { name } of rows) await db.exec(`VACUUM (ANALYZE) ${name}`);
  return rows.map(({ name }) => name);
}

/** Does so now and then until it is stopped; a look that fails is told, and the next one comes all the same. */
export function startVacuum(
  db: Pick<PGlite, "query" | "exec">,
  { onError, everyMs = LOOK_EVERY_MS }: { onError: (error: unknown) => void; everyMs?: number },
): { stop(): Promise<void> } {
  let looking: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(() => (isStopped ? undefined : vacuumDue(db))).catch(onError);
  }, everyMs);
  timer.unref();
  let isStopped = false;
  return {
    async stop() {
      isStopped = true;
      clearInterval(timer);
      await looking;
    },
  };
}
