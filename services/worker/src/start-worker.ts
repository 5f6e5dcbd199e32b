import type { Config } from "@engram/config";
import { backoffSeconds, EMPTY_REPORT, type BatchReport } from "@engram/memory";
import {
  createFollowedTargets,
  indexProblem,
  keepTrying,
  migrateWhenReady,
  prepareIndex,
  type Readiness,
  type Sockets,
} from "@engram/sockets";
import type { Logger, Metrics } from "@engram/telemetry";
import { showBackups } from "./backups.ts";
import { createIndexWatch } from "./index-watch.ts";
import { createEmbedJob } from "./jobs/embed.ts";
import { createExtractJob } from "./jobs/extract.ts";
import { createPublicTable } from "./public-table.ts";
import { showReconcile } from "./jobs/reconcile.ts";
import { createScheduledJobs } from "./jobs/scheduled.ts";

export interface WorkerDeps {
  readonly sockets: Sockets;
  readonly config: Config;
  readonly readiness: Readiness;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface Worker {
  /** Resolves when the index stands and work is being done. */
  readonly prepared: Promise<void>;
  /** Finishes what is under way, gives back what is not begun. */
  stop(): Promise<void>;
}

/** Starts a worker: it answers rings, and looks by itself in between, so that a lost ring costs one poll interval. */
export function startWorker(deps: WorkerDeps): Worker {
  const stopping = new AbortController();
  const answering: { stop(): Promise<void> }[] = [];
  const prepared = run(deps, stopping.signal, answering);
  prepared.catch((err: unknown) => deps.logger.error({ err }, "Worker could not start"));
  return {
    prepared,
    async stop() {
      stopping.abort();
      await prepared.catch(() => undefined);
      await Promise.all(answering.map((one) => one.stop()));
    },
  };
}

async function run(
  { sockets, config, readiness, logger, metrics }: WorkerDeps,
  stop: AbortSignal,
  answering: { stop(): Promise<void> }[],
): Promise<void> {
  await migrateWhenReady(sockets, readiness, {
    logger,
    stop,
    truth: config.truth,
    searchLanguages: config.search.languages,
  });
  const table = createPublicTable({ sockets, config, readiness, logger });
  // Before the index is made: the table that it is to have may be in the way with rows of a former mem0.
  await table.takeOver();
  const index = await keepTrying(() => prepareIndex(sockets, config.vectors.collection), {
    stop,
    onFailure(error) {
      const problem = indexProblem(error, config.truth.databaseVariable);
      const { code, cure, message } = problem;
      if (!readiness.problems.some((known) => known.message === message))
        logger.warn({ code, cure, problem: message, err: error }, "Index is not ready");
      readiness.report("index", problem);
    },
  });
  if (index === undefined) return;
  readiness.clear("index");
  table.tell(index.unpublished);
  logger.info(
    {
      collection: index.collection.name,
      model: index.collection.model,
      dims: index.collection.dims,
      state: index.target.state,
    },
    "Index is ready",
  );
  // From the beginning: what was compared before the worker was away may have changed behind its back.
  if (index.target.state === "filling") await sockets.schedules.request("reindex", {});

  const watch = createIndexWatch({ ...sockets, logger }, config);
  // Before the first batch: a restored database would give versions that the index knows already.
  await keepTrying(() => watch.catchUp(stop), {
    stop,
    onFailure: (err) => logger.warn({ err }, "Versions of the index cannot be read"),
  });
  const work = createEmbedJob(
    { store: sockets.store, outbox: sockets.outbox, index: watch.index, gate: sockets.workGate, logger, metrics },
    createFollowedTargets(sockets, config.vectors.collection),
    config.outbox,
    stop,
  );
  const scheduled = createScheduledJobs({ sockets, config, logger, metrics }, stop);
  await keepTrying(() => scheduled.ensure(), {
    stop,
    onFailure: (err) => logger.warn({ err }, "Schedules cannot be written"),
  });
  answering.push(lookOften(() => scheduled.run(), SCHEDULES_POLL_MS, logger));
  answering.push(lookOften(() => watch.look(stop), INDEX_POLL_MS, logger));
  answering.push(lookOften(() => table.look(), PUBLIC_TABLE_POLL_MS, logger));
  answering.push(lookOften(() => showReconcile(sockets.schedules, metrics), GAUGES_EVERY_MS, logger));
  answering.push(lookOften(() => showBackups(config.backupDir, metrics), GAUGES_EVERY_MS, logger));

  const { concurrency } = config.extraction;
  const readers = limitHands(
    createExtractJob({ sockets, readiness, config, logger, metrics, onClaimed: () => readers.another() }, stop),
    concurrency,
  );
  answering.push(await sockets.bell.answer("extract", readers.work, { concurrency }), readers);
  // A look is not kept from the next one by what it finds: a reader waits for the model for seconds.
  answering.push(lookOften(() => Promise.resolve(readers.another()), config.outbox.pollMs, logger));

  const hands = limitHands(work, config.worker.concurrency);
  answering.push(await sockets.bell.answer("embed", hands.work, { concurrency: config.worker.concurrency }));
  answering.push(lookOften(hands.work, config.outbox.pollMs, logger));
}

interface Hands {
  readonly work: () => Promise<BatchReport>;
  /** One more hand, if one is free; what it meets, the next look meets too. */
  another(): void;
  /** Resolves when no further hand is at work. */
  stop(): Promise<void>;
}

/** Rings and looks together never hold more batches at once than `concurrency`; what comes on top has nothing to do. */
function limitHands(work: () => Promise<BatchReport>, concurrency: number): Hands {
  let busy = 0;
  const further = new Set<Promise<unknown>>();
  const workIfFree = async (): Promise<BatchReport> => {
    if (busy >= concurrency) return EMPTY_REPORT;
    busy += 1;
    try {
      return await work();
    } finally {
      busy -= 1;
    }
  };
  return {
    work: workIfFree,
    another() {
      const hand = workIfFree()
        .catch(() => undefined)
        .finally(() => further.delete(hand));
      further.add(hand);
    },
    async stop() {
      await Promise.all(further);
    },
  };
}

const FAILED_LOOK_PAUSE_MS_MAX = 5_000;
/** Schedules are told in seconds and more. */
const SCHEDULES_POLL_MS = 1_000;
/** An index that restarts is away for longer than this, or it was in use, which notices it too. */
const INDEX_POLL_MS = 2_000;
/** One statement each; an operator who mends something sees it within seconds. */
const PUBLIC_TABLE_POLL_MS = 5_000;
const GAUGES_EVERY_MS = 15_000;

function lookOften(work: () => Promise<unknown>, pollMs: number, logger: Logger): { stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();
  let stopped = false;
  let failures = 0;
  const look = async (): Promise<void> => {
    try {
      await work();
      failures = 0;
    } catch (err) {
      failures += 1;
      if (failures === 1) logger.warn({ err }, "Looking for work failed"); // once, however long it lasts
    }
    // A database that is away is asked less often, and found again within seconds.
    const pauseMs = failures === 0 ? pollMs : Math.min(FAILED_LOOK_PAUSE_MS_MAX, backoffSeconds(failures) * 1000);
    if (!stopped) timer = setTimeout(lookAgain, pauseMs);
  };
  const lookAgain = (): void => {
    looking = look();
  };
  lookAgain();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
