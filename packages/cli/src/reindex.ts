import type { Config } from "@engram/config";
import { MemoryError, toReindexState, type IndexTarget, type IndexTargets, type ReindexState } from "@engram/memory";
import { estimateTokens, priceOf } from "@engram/openai";
import { createIndexTargets, createSchedules, measureContents } from "@engram/postgres";
import { withTruth } from "./with-truth.ts";

/** `engram reindex status`: every index that follows the memories, and how far it is. */
export function reindexStatus(): Promise<void> {
  return withTruth(async (db, config) => {
    const targets = createIndexTargets(db, { base: config.vectors.collection });
    for (const target of await targets.followed()) console.log(await describe(targets, target));
    const run = await createSchedules(db).get("reindex");
    const state = toReindexState(run?.state);
    if (state !== undefined) console.log(describeStep(state));
    else if (run?.result !== undefined && run.result !== null) console.log(`last step: ${JSON.stringify(run.result)}`);
  });
}

async function describe(targets: IndexTargets, target: IndexTarget): Promise<string> {
  const { rows, pending, parked } = await targets.progress(target.name);
  const state = target.retireAt === null ? target.state : `kept until ${target.retireAt.toISOString()} for a way back`;
  const share = target.filledAt !== null ? `${rows} memories` : `filling, ${rows} memories`;
  return `${target.name}: ${state}, ${target.model ?? "no model yet"}${target.dims === null ? "" : ` (${target.dims})`}; ${share}, ${pending} to do, ${parked} parked`;
}

/** What stands between an index that is being filled and its going live. */
export function describeStep({ phase, gate }: ReindexState): string {
  const lastTime =
    gate === null || gate.reason === null ? "" : `; found unfit ${gate.refusals} times, last: ${gate.reason}`;
  if (phase.phase === "refused")
    return `${phase.target} does not go live yet: ${phase.reason}. Looked at ${phase.refusals} times, again in ${Math.ceil(phase.nextInSeconds)} s`;
  if (phase.phase === "comparing") {
    const compared = gate?.run?.targets[phase.target]?.rows ?? 0;
    return `${phase.target} is compared with the memories: ${compared} of ${phase.progress.rows}${lastTime}`;
  }
  return phase.phase === "waiting" || phase.phase === "filling"
    ? `${phase.target} is ${phase.phase}: ${phase.progress.pending} to do${lastTime}`
    : `last step: ${JSON.stringify(phase)}`;
}

/** `engram reindex estimate`: what embedding everything with the configured model would cost. */
export function reindexEstimate(): Promise<void> {
  return withTruth(async (db, config) => {
    const { model, requestedDims } = wantedOf(config);
    const contents = await measureContents(db);
    const tokens = await estimateTokens(contents.sample, contents.bytes);
    const price = priceOf(model)?.input;
    const dollars =
      price === undefined
        ? "price unknown"
        : `about $${((tokens / 1e6) * price).toFixed(4)} at $${price} per million tokens`;
    console.log(
      `${contents.rows} memories, ${contents.bytes} bytes, about ${tokens} tokens with ${model}${requestedDims === null ? "" : ` (${requestedDims} dimensions)`}: ${dollars}`,
    );
    console.log("Nothing was begun: a worker begins when it starts with this EMBEDDING_MODEL.");
  });
}

/** `engram reindex rollback`: the index that was replaced is the live one again. */
export function reindexRollback(): Promise<void> {
  return withTruth(async (db, config) => {
    const targets = createIndexTargets(db, { base: config.vectors.collection });
    const kept = (await targets.followed()).find((one) => one.retireAt !== null);
    if (kept === undefined)
      throw new MemoryError("not_found", "No index was replaced and is still kept; nothing was changed");
    await targets.promote(kept.name, { keepSeconds: config.reindex.keepMinutes * 60 });
    console.log(
      `${kept.name} (${kept.model}) is live again. Set EMBEDDING_MODEL=${kept.model} before a worker starts anew.`,
    );
  });
}

/** `engram reindex cancel`: an index that is being filled is given up. */
export function reindexCancel(): Promise<void> {
  return withTruth(async (db, config) => {
    const targets = createIndexTargets(db, { base: config.vectors.collection });
    const filling = (await targets.followed()).filter((one) => one.state === "filling" && one.retireAt === null);
    if (filling.length === 0) throw new MemoryError("not_found", "No index is being filled; nothing was changed");
    for (const { name } of filling) await targets.giveUp(name);
    // A worker takes the points away with the target.
    await createSchedules(db).request("reindex");
    const { model } = await targets.live();
    console.log(
      `Given up: ${filling.map((one) => one.name).join(", ")}. Set EMBEDDING_MODEL=${model} before a worker starts anew.`,
    );
  });
}

function wantedOf({ models }: Config): { model: string; requestedDims: number | null } {
  return { model: models.embeddingModel, requestedDims: models.embeddingDimensions ?? null };
}
