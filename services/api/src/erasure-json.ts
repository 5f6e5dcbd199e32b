import { formatErasureId, type Erasure, type ErasureReceipt } from "@engram/memory";

/** An erasure on the wire, without what is left: that is asked of the stores. */
export function erasureJson(erasure: ErasureReceipt & Pick<Erasure, "completedAt">) {
  return {
    id: formatErasureId(erasure.id),
    status: erasure.completedAt === null ? "running" : "done",
    requested_at: erasure.requestedAt,
    completed_at: erasure.completedAt,
    erased: erasure.erased,
  };
}
