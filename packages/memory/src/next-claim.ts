import type { BatchReport, ClaimOptions } from "./ports/index.ts";

/** Deletions of one batch: they need no embedder, so they are bounded by what one call to an index takes in its stride. */
export const DELETIONS_MAX = 512;

export interface NextClaim {
  readonly only: NonNullable<ClaimOptions["only"]>;
  readonly batchSize: number;
}

/**
 * What to claim after `previous`: a fair batch of all that is due, as a rule. After a full one of nothing but deletions, one
 * large batch of deletions alone, which claims nothing that would have to be embedded; then a fair one again, so that a
 * single write waits for one of them at most. Where only deletions may be claimed, every batch is large.
 */
export function nextClaim(
  { allowed, batchSize }: { readonly allowed: NextClaim["only"]; readonly batchSize: number },
  previous: { readonly only: NextClaim["only"]; readonly report: BatchReport } | undefined,
): NextClaim {
  const isMassDeletion =
    previous?.only === "all" &&
    previous.report.claimed >= batchSize &&
    previous.report.deleted === previous.report.claimed;
  return allowed === "absent" || isMassDeletion
    ? { only: "absent", batchSize: Math.max(batchSize, DELETIONS_MAX) }
    : { only: "all", batchSize };
}
