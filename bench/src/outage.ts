/** Redis, Qdrant and the provider as processes that go away together and come back: the ways in which a service is absent. */
import { startOwnQdrant, startOwnRedis } from "@engram/test-equipment";
import { startScript, type Service } from "./processes.ts";

/** `refused`: killed, nothing listens. `hanging`: stopped by a signal, connections are taken and never answered. */
export const WAYS = ["refused", "hanging"] as const;
export type Way = (typeof WAYS)[number];

export interface Guests {
  /** The variables under which services find them. */
  readonly env: Readonly<Record<string, string>>;
  takeAway(way: Way): Promise<void>;
  bringBack(way: Way): Promise<void>;
  stop(): Promise<void>;
}

/** Starts all three. */
export async function startGuests(): Promise<Guests> {
  const redis = await startOwnRedis();
  const qdrant = await startOwnQdrant();
  let provider: Service = await startScript("./openai.ts");
  const { port } = new URL(provider.url);
  return {
    env: {
      REDIS_URL: redis.url,
      QDRANT_URL: qdrant.url,
      OPENAI_BASE_URL: provider.url,
      OPENAI_API_KEY: "sk-bench",
    },
    async takeAway(way) {
      if (way === "refused") await Promise.all([redis.kill(), qdrant.kill(), provider.stop()]);
      else {
        redis.pause();
        qdrant.pause();
        process.kill(provider.pid, "SIGSTOP");
      }
    },
    async bringBack(way) {
      if (way === "hanging") {
        redis.resume();
        qdrant.resume();
        process.kill(provider.pid, "SIGCONT");
        return;
      }
      const [started] = await Promise.all([startScript("./openai.ts", [port]), redis.restart(), qdrant.restart()]);
      provider = started;
    },
    async stop() {
      await Promise.all([redis.stop(), qdrant.stop(), provider.stop()]);
    },
  };
}
