/** Everything the integration tests talk to, started together, and the variables under which tests find it. */
import { startOpenAI } from "./openai/server.ts";
import { startPostgres } from "./postgres.ts";
import { startQdrant } from "./qdrant/start.ts";
import { startRedis } from "./redis.ts";

const PARTS = {
  postgres: { variable: "ENGRAM_TEST_DATABASE_URL", start: startPostgres, cure: "DATABASE_URL" },
  redis: { variable: "ENGRAM_TEST_REDIS_URL", start: startRedis, cure: "REDIS_URL" },
  qdrant: { variable: "ENGRAM_TEST_QDRANT_URL", start: startQdrant, cure: "QDRANT_URL" },
  openai: { variable: "ENGRAM_TEST_OPENAI_URL", start: startOpenAI, cure: undefined },
} as const;

export type EquipmentPart = keyof typeof PARTS;

/** The parts wanted; all of them when absent. */
export type EquipmentOptions = { readonly [part in EquipmentPart]?: boolean };

export type Equipment = {
  /** `ENGRAM_TEST_..._URL` of each part that runs. A part that could not be had is missing. */
  readonly env: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
};

/**
 * Starts the wanted parts side by side. Under `CI=true` a part that cannot be had fails the run; elsewhere its variable is
 * left out and one loud line says what will be skipped, and what would bring it back.
 */
export async function startEquipment(options: EquipmentOptions = {}): Promise<Equipment> {
  const names = Object.keys(PARTS) as EquipmentPart[];
  const wanted = Object.values(options).some((choice) => choice)
    ? names.filter((name) => options[name] === true)
    : names.filter((name) => options[name] !== false);
  const outcomes = await Promise.allSettled(wanted.map((name) => PARTS[name].start()));

  const env: Record<string, string> = {};
  const stops: (() => Promise<void>)[] = [];
  const missing: { readonly name: EquipmentPart; readonly reason: unknown }[] = [];
  for (const [index, name] of wanted.entries()) {
    const outcome = outcomes[index];
    if (outcome?.status === "fulfilled") {
      env[PARTS[name].variable] = outcome.value.url;
      stops.push(outcome.value.stop);
    } else {
      missing.push({ name, reason: outcome?.reason });
    }
  }
  const stop = async (): Promise<void> => {
    await Promise.allSettled(stops.map((stopPart) => stopPart()));
  };

  const lines = missing.map(({ name, reason }) => describeMissing(name, reason));
  if (missing.length > 0 && process.env["CI"] === "true") {
    await stop();
    throw new AggregateError(
      missing.map(({ reason }) => reason),
      lines.join("\n"),
    );
  }
  for (const line of lines) process.stderr.write(`${line}\n`);
  return { env, stop };
}

function describeMissing(name: EquipmentPart, reason: unknown): string {
  const { variable, cure } = PARTS[name];
  const advice = cure === undefined ? "" : `; set ${cure} to use one of yours`;
  const effect = process.env["CI"] === "true" ? "cannot run, which fails the run under CI=true" : "ARE SKIPPED";
  return `TEST EQUIPMENT MISSING: ${name}: tests that need ${variable} ${effect}${advice}. ${String(reason)}`;
}
