export { createBullMqBell, type BellTimings, type BullMqBellOptions } from "./create-bell.ts";
export { createQueueDashboard, type QueueDashboard } from "./dashboard.ts";
export { REDIS_PROBLEM_CODES, type RedisProblem } from "./problems.ts";
export { redisProblems } from "./redis-problems.ts";
