/** The stores of an installation: each has its own, so that what they take is its alone. */
import { join } from "node:path";
import { createTestDatabase, startPostgres, startQdrant, startRedis } from "@engram/test-equipment";
import { Connection } from "./connection.ts";
import { scratch, startScript } from "./processes.ts";
import { callQdrant, findCollection } from "./qdrant-call.ts";
import { until } from "./until.ts";

/** A server whose memory and time count; without a pid it was there before, and nothing is known of it. */
export interface Part {
  readonly name: string;
  readonly pid: number | undefined;
}

export interface Stores {
  /** What the services are told of them. */
  readonly env: Readonly<Record<string, string>>;
  readonly parts: readonly Part[];
  /** Servers that stand in for what would be elsewhere: their time tells where a second went. */
  readonly elsewhere: readonly Part[];
  /** Ends once the index has made of its points what it makes of them in the background. */
  readonly settle?: () => Promise<void>;
  readonly databaseUrl?: string;
  readonly qdrantUrl?: string;
  /** What answers there. */
  readonly label?: string;
  /** What is on disk besides the database, and where. */
  readonly folder?: { readonly name: string; readonly path: string };
}

/** As docker-compose.yaml sets it by default. */
export const POSTGRES_SETTINGS = {
  shared_buffers: "256MB",
  effective_cache_size: "512MB",
  work_mem: "16MB",
  random_page_cost: "1.1",
  jit: "off",
};

export function startEmbeddedStores(): Stores {
  const path = join(scratch, "embedded");
  return { env: { DATA_DIR: path }, parts: [], elsewhere: [], folder: { name: "the data folder", path } };
}

export async function startPgvectorStores(): Promise<Stores & { readonly databaseUrl: string }> {
  const postgres = await startPostgres({ settings: POSTGRES_SETTINGS });
  const { url } = await createTestDatabase(postgres.url);
  const parts = [{ name: "PostgreSQL", pid: postgres.pid }];
  return { env: { DATABASE_URL: url }, parts, elsewhere: [], databaseUrl: url };
}

/**
 * With a provider: without one the vectors would be shorter than any that Qdrant is taken for. `graphs`: the stand-in builds
 * them too, as the real server does in any case.
 */
export async function startQdrantStores({
  graphs,
}: {
  readonly graphs: boolean;
}): Promise<Stores & { readonly qdrantUrl: string; readonly label: string }> {
  const { env, parts, databaseUrl } = await startPgvectorStores();
  const redis = await startRedis();
  const qdrant = await startQdrant();
  const openai = await startScript("./openai.ts");
  const label = qdrant.isStandIn ? "Qdrant stand-in" : "Qdrant";
  return {
    label,
    env: {
      ...env,
      REDIS_URL: redis.url,
      QDRANT_URL: qdrant.url,
      OPENAI_BASE_URL: openai.url,
      OPENAI_API_KEY: "sk-bench",
    },
    parts: [...parts, { name: "Redis", pid: redis.pid }, { name: label, pid: qdrant.pid }],
    elsewhere: [{ name: "OpenAI stand-in", pid: openai.pid }],
    databaseUrl,
    qdrantUrl: qdrant.url,
    ...(qdrant.isStandIn && !graphs
      ? {}
      : { settle: () => (qdrant.isStandIn ? qdrant.buildGraphs() : untilGreen(qdrant.url)) }),
    ...(qdrant.storage === undefined ? {} : { folder: { name: `${label}'s storage`, path: qdrant.storage } }),
  };
}

/** Graphs are built. */
async function untilGreen(url: string): Promise<void> {
  const line = await Connection.open(url);
  const collection = await findCollection(line);
  const isGreen = async (): Promise<boolean> =>
    (await callQdrant<{ status: string }>(line, collection)).status === "green";
  await until("Qdrant's graphs", isGreen);
  line.close();
}
