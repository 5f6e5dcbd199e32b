export { createBullMqBell, type BullMqBellOptions } from "./create-bell.ts";
export { redisProblems, type RedisProblem } from "./redis-problems.ts";
