import { newReconcileRun, RECONCILE, uuidv7 } from "@engram/memory";
import type { Flow } from "./flows.ts";
import type { Process } from "./process.ts";
import type { Run } from "./run.ts";
import { REINDEX } from "./scheduled-jobs.ts";
import { collectionNamed, NEW_MODEL, probeOf, TARGET } from "./world.ts";

/** The flows of what runs by the clock: reconcile, and the change to another model. */
export const BACKGROUND_FLOWS: readonly Flow[] = [
  {
    name: "reconcile: points that are missing, stale or orphaned",
    async given(run) {
      await tellThree(run);
      const points = run.world.index.points(TARGET.collection);
      const [missing = "", stale = ""] = run.client.acknowledged;
      const point = points.get(stale);
      points.delete(missing);
      if (point === undefined) throw new Error("nothing was indexed");
      points.set(stale, { ...point, memory: { ...point.memory, version: 0 } });
      const orphan = uuidv7();
      points.set(orphan, { ...point, memory: { ...point.memory, id: orphan } });
      await askForReconcile(run);
    },
    act: (process) => process.runScheduled(),
  },
  {
    name: "reconcile: a collection that is gone",
    async given(run) {
      await tellThree(run);
      await run.world.index.drop(TARGET.collection);
      await askForReconcile(run);
    },
    act: (process) => process.runScheduled(),
  },
  {
    name: "reindex: another model is begun",
    async given(run) {
      await tellThree(run);
      await askForReindex(run);
    },
    // A process that starts anew begins again where the last one died.
    act: (process) => begin(process),
  },
  {
    name: "reindex: it is filled, goes live, and the replaced one ends",
    async given(run) {
      await tellThree(run);
      await begin(run.start());
      await askForReindex(run);
    },
    async act(process, { world }) {
      for (let look = 0; look < 12 && !process.isGone; look++) {
        await process.runScheduled();
        await process.workBatch();
        await world.pass(31);
      }
    },
  },
];

async function begin({ parts }: Process): Promise<void> {
  await parts.index.prepare(collectionNamed(NEW_MODEL));
  await parts.targets.adopt(probeOf(NEW_MODEL));
}

async function tellThree(run: Run): Promise<void> {
  for (const content of ["раз", "два", "три"]) await run.client.tell(content);
  await run.settle();
}

async function askForReconcile(run: Run): Promise<void> {
  run.isDamaged = true;
  run.isScheduling = true;
  await run.client.schedules.request(RECONCILE, newReconcileRun({ dryRun: false }));
}

async function askForReindex(run: Run): Promise<void> {
  run.isScheduling = true;
  await run.client.schedules.request(REINDEX);
}
