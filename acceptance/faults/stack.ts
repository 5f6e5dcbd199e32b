import { randomBytes } from "node:crypto";
import { join } from "node:path";
import {
  createTestDatabase,
  startOpenAI,
  startOwnPostgres,
  startOwnQdrant,
  startOwnRedis,
  startProxy,
  type OpenAI,
  type OwnPostgres,
  type OwnQdrant,
  type OwnRedis,
  type Proxy,
} from "@engram/test-equipment";
import type { Journal } from "./journal.ts";
import { Service } from "./service.ts";
import { ENVIRONMENT } from "./settings.ts";
import type { Troubles } from "./troubles.ts";

export const STORES = ["postgres", "redis", "qdrant", "openai"] as const;
export type StoreName = (typeof STORES)[number];

/** The way from one process to one store. */
export interface Link {
  readonly name: string;
  readonly from: string;
  readonly to: StoreName;
  readonly proxy: Proxy;
}

/** Two APIs and two workers over stores of their own, every way between them through a proxy. */
export interface Stack {
  readonly apis: readonly Service[];
  readonly services: readonly Service[];
  readonly links: readonly Link[];
  readonly postgres: OwnPostgres;
  readonly redis: OwnRedis;
  readonly qdrant: OwnQdrant;
  readonly openai: OpenAI;
  readonly key: string;
  /** Straight to the stores, past the proxies: for checks. */
  readonly databaseUrl: string;
  readonly collection: string;
  stop(): Promise<void>;
}

export interface StackOptions {
  readonly folder: string;
  readonly troubles: Troubles;
  readonly journal: Journal;
}

/** Starts everything, and waits until every process answers. */
export async function startStack({ folder, troubles, journal }: StackOptions): Promise<Stack> {
  // Servers of our own, whatever the environment names: they are to be crashed and emptied.
  const [postgres, redis, qdrant, openai] = await Promise.all([
    startOwnPostgres(),
    startOwnRedis(),
    startOwnQdrant(),
    startOpenAI(),
  ]);
  const database = await createTestDatabase(postgres.url);
  const collection = `storm_${randomBytes(4).toString("hex")}`;
  const key = `key-${randomBytes(12).toString("hex")}`;
  const addresses = { postgres: database.url, redis: redis.url, qdrant: qdrant.url, openai: openai.url };

  const links: Link[] = [];
  const services: Service[] = [];
  for (const name of ["api-1", "api-2", "worker-1", "worker-2"]) {
    const urls: Record<string, string> = {};
    for (const store of STORES) {
      const proxy = await startProxy(addresses[store]);
      links.push({ name: `${name}>${store}`, from: name, to: store, proxy });
      urls[store] = proxy.url;
    }
    const service: Service = await Service.create({
      name,
      role: name.startsWith("api") ? "api" : "worker",
      folder: join(folder, name),
      environment: {
        ...ENVIRONMENT,
        DATABASE_URL: urls["postgres"] ?? "",
        REDIS_URL: urls["redis"] ?? "",
        QDRANT_URL: urls["qdrant"] ?? "",
        OPENAI_BASE_URL: urls["openai"] ?? "",
        OPENAI_API_KEY: "sk-test",
        MEM0_COLLECTION_NAME: collection,
        MEM0_API_KEY: key,
      },
      troubles,
      onFault(what) {
        journal.violate("a process is not well", name, what);
        if (!service.isUp) service.start().catch((error: unknown) => journal.violate("no start", name, String(error)));
      },
    });
    services.push(service);
  }
  const destroy = (): void => services.forEach((service) => service.destroy());
  process.once("exit", destroy);
  await Promise.all(services.map((service) => service.start()));

  return {
    apis: services.filter((service) => service.role === "api"),
    services,
    links,
    postgres,
    redis,
    qdrant,
    openai,
    key,
    databaseUrl: database.url,
    collection,
    async stop() {
      destroy();
      process.removeListener("exit", destroy);
      await Promise.all([...links.map((link) => link.proxy.stop()), openai.stop(), redis.stop(), qdrant.stop()]);
      await postgres.stop();
    },
  };
}
