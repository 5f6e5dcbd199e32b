import { countLeft, MemoryError, parseErasureId } from "@engram/memory";
import { erasureJson } from "../erasure-json.ts";
import { defineRoute, param } from "../route.ts";

/** What the stores have to tell it within; one that does not is `unknown`. */
const ASK_TIMEOUT_MS = 5_000;

const REMAINS = "This record: its times and counts, the name of the key that asked, and a hash of the user's id";

export const getErasure = defineRoute({
  method: "get",
  path: "/api/erasures/:id",
  summary: "The proof of an erasure: what both stores, asked at this moment, have left of it.",
  async handle({ deps, req, principal }) {
    const id = parseErasureId(param(req, "id"));
    const erasure = id === undefined ? undefined : await deps.sockets.erasures.get(principal.projectId, id);
    if (erasure === undefined) throw new MemoryError("not_found", "Erasure not found");
    const left = await countLeft(
      { ...deps.sockets, base: deps.config.vectors.collection },
      erasure,
      AbortSignal.timeout(ASK_TIMEOUT_MS),
    );
    return {
      status: 200,
      body: {
        ...erasureJson(erasure),
        left: Object.fromEntries(Object.entries(left).map(([place, count]) => [place, count ?? "unknown"])),
        remains: REMAINS,
      },
    };
  },
});
