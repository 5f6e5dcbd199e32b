export { createIndexTargets } from "./index-targets.ts";
export { measureContents } from "./measure-contents.ts";
export { migrate, pendingMigrations } from "./migrate.ts";
export { createOutbox } from "./outbox.ts";
export { createParkedJobs } from "./parked-jobs.ts";
export { createPool, type PoolOptions } from "./pool.ts";
export { createProviderBudget, type ProviderBudgetOptions } from "./provider-budget.ts";
export { createSchedules } from "./schedules.ts";
export { createMemoryStore } from "./store.ts";
