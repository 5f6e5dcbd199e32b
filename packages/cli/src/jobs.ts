import { formatWorkId, MemoryError, parseWorkId, type ParkedWork, type WorkId } from "@engram/memory";
import { createOutbox, createParkedJobs } from "@engram/postgres";
import { withTruth } from "./with-truth.ts";

const PAGE = 500;

/** `engram jobs list`: a line for each topic, then one for each piece of parked work, its reason last. */
export function listJobs(): Promise<void> {
  return withTruth(async (db) => {
    const topics = await createOutbox(db).depth();
    if (topics.length === 0) console.log("No work waits, none is parked");
    for (const { topic, pending, parked, oldestSeconds } of topics)
      console.log(`${topic}: ${pending} pending, the oldest for ${Math.round(oldestSeconds)} s; ${parked} parked`);
    const parkedJobs = createParkedJobs(db);
    let page: readonly ParkedWork[] = [];
    do {
      const last = page.at(-1);
      page = await parkedJobs.list({ limit: PAGE, ...(last === undefined ? {} : { after: last }) });
      for (const work of page)
        console.log(
          `${formatWorkId(work)}  ${work.parkedAt.toISOString()}  ${work.attempts} attempts  ${work.error ?? ""}`,
        );
    } while (page.length === PAGE);
  });
}

/** `engram jobs retry|discard ID… | --all`. */
export function changeJobs(
  change: "retry" | "discard",
  ids: readonly string[],
  options: { readonly all?: true },
): Promise<void> {
  return withTruth(async (db) => {
    if (ids.length > 0 === (options.all === true))
      throw new MemoryError("invalid", "Name the jobs, as `jobs list` shows them, or say --all");
    const chosen = options.all === true ? undefined : ids.map(toWorkId);
    const changed = await createParkedJobs(db)[change](chosen);
    console.log(`${change === "retry" ? "To be tried again" : "Given up"}: ${changed}`);
  });
}

function toWorkId(id: string): WorkId {
  const work = parseWorkId(id);
  if (work === undefined) throw new MemoryError("invalid", `${id} is no job; they look like index:main:mem_…`);
  return work;
}
