export { createScheduledJobs, type ScheduledJobsDeps } from "./jobs/scheduled.ts";
export { startWorker, type Worker, type WorkerDeps } from "./start-worker.ts";
