import { ERASE_JOB, toErasureReceipt, type ErasureReceipt } from "@engram/memory";
import { z } from "zod";
import { erasureJson } from "../erasure-json.ts";
import { parse } from "../fields.ts";
import { personOf, refuseUnknown } from "../person.ts";
import { defineRoute } from "../route.ts";

const query = z.object({});

export const eraseUser = defineRoute({
  method: "delete",
  path: "/api/users/:user_id",
  summary: "Erase a person: gone from every answer at once, from the index soon after. 202 with a receipt.",
  status: 202,
  query,
  idempotent: true,
  async handle(context) {
    const { deps, req, res, principal, requestId, keyed } = context;
    refuseUnknown(parse(query, req.query).warnings, "Nothing was erased");
    const actor = { requestId, name: principal.name };
    const { result: receipt, replayed } = await deps.once(
      keyed,
      (): Promise<ErasureReceipt> => deps.sockets.erasures.request(personOf(context), actor, keyed),
      (kept) => toErasureReceipt(kept.value),
    );
    const memories = receipt.erased["memories"] ?? 0;
    if (replayed) deps.metrics.writes.inc({ operation: "erase", outcome: "replayed" });
    else deps.metrics.writes.inc({ operation: "erase", outcome: "erased" }, memories);
    if (memories > 0) deps.ring(memories);
    // The erasure stands and is found by the job's next run in any case.
    await deps.sockets.schedules
      .request(ERASE_JOB)
      .catch((err: unknown) => deps.logger.warn({ requestId, err }, "Erasure waits for the next run of its job"));
    const { id, ...body } = erasureJson({ ...receipt, completedAt: null });
    const proof = `/api/erasures/${id}`;
    res.setHeader("Location", proof);
    return { status: 202, body: { erasure_id: id, ...body, proof }, replayed };
  },
});
