import type { Executor } from "@engram/sql";

/** Enough for the ratio of tokens to bytes; picked at random. */
const SAMPLE_SIZE = 200;

/** How much text there is to embed: rows, bytes of UTF-8, and a sample of the texts. */
export async function measureContents(
  db: Executor,
): Promise<{ readonly rows: number; readonly bytes: number; readonly sample: readonly string[] }> {
  const [row] = await db.query<{ rows: number; bytes: number; sample: string[] | null }>(
    `SELECT count(*)::int AS rows, coalesce(sum(octet_length(content)), 0)::float8 AS bytes,
       (SELECT array_agg(content) FROM (SELECT content FROM public.memories ORDER BY random() LIMIT ${SAMPLE_SIZE}) s) AS sample
     FROM public.memories WHERE expires_at IS NULL OR expires_at > statement_timestamp()`,
  );
  return { rows: row?.rows ?? 0, bytes: row?.bytes ?? 0, sample: row?.sample ?? [] };
}
