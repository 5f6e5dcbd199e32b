export { openAIControl, qdrantControl } from "./control.ts";
export type {
  Control,
  Counters,
  OpenAIControl,
  OpenAIFault,
  OpenAILimits,
  QdrantControl,
  QdrantFault,
} from "./control.ts";
export { startEquipment } from "./equipment.ts";
export type { Equipment, EquipmentOptions, EquipmentPart } from "./equipment.ts";
export { embed } from "./openai/embedding.ts";
export { fetchPromtool } from "./fetch-promtool.ts";
export { fetchPython, pythonCommand } from "./fetch-python.ts";
export { startOpenAI } from "./openai/server.ts";
export type { OpenAI, OpenAIOptions } from "./openai/server.ts";
export { findPostgresPrograms, startOwnPostgres, startPostgres } from "./postgres.ts";
export type { OwnPostgres, Postgres, PostgresOptions } from "./postgres.ts";
export { startPgBouncer } from "./pgbouncer.ts";
export type { PgBouncer } from "./pgbouncer.ts";
export { startOwnQdrant, startQdrant } from "./qdrant/start.ts";
export type { OwnQdrant, Qdrant, QdrantOptions } from "./qdrant/start.ts";
export { startProxy } from "./proxy.ts";
export type { Proxy } from "./proxy.ts";
export { startOwnRedis, startRedis } from "./redis.ts";
export type { OwnRedis, Redis, RedisOptions } from "./redis.ts";
export { findFreePort, startProcess, startServer } from "./process.ts";
export { fetchShellcheck, findTool } from "./tools.ts";
export type { ToolName } from "./tools.ts";
export { createTestDatabase } from "./test-database.ts";
export type { TestDatabase } from "./test-database.ts";
