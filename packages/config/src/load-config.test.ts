import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, loadConfig, type Config, type ConfigFault, type Environment } from "./index.ts";

let cwd = "";
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "engram-config-"));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function load(env: Environment = {}): Config {
  return loadConfig(env, { cwd });
}

function faultsOf(env: Environment): readonly ConfigFault[] {
  try {
    load(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe("without any variable", () => {
  test("everything has its default", () => {
    expect(load()).toEqual({
      enabled: true,
      dataDir: join(cwd, "data"),
      backupDir: join(cwd, "backups"),
      door: { host: "127.0.0.1", port: 3456, apiKeys: [], corsOrigins: [] },
      truth: { databaseUrl: undefined, databaseVariable: "DATABASE_URL", poolSize: 10, statementTimeoutMs: 15_000 },
      vectors: { qdrantUrl: undefined, qdrantApiKey: undefined, collection: "mem0_memories", timeoutMs: 10_000 },
      queue: { redisUrl: undefined },
      models: {
        openaiApiKey: undefined,
        openaiBaseUrl: undefined,
        llmModel: "gpt-4o-mini",
        llmTimeoutMs: 60_000,
        embeddingModel: "text-embedding-3-small",
        embeddingDimensions: undefined,
        timeoutMs: 10_000,
        prices: {},
      },
      outbox: { leaseSeconds: 60, horizonSeconds: 300, pollMs: 250, batchSize: 64, attemptsMax: 8 },
      retention: { days: undefined, daysByType: {}, daysByLevel: {}, sessionIdleSeconds: 86_400 },
      extraction: {
        debounceMs: 200,
        concurrency: 8,
        wishes: { instructions: null, includes: null, excludes: null },
      },
      backlog: {
        bulk: { pending: 100_000, ageSeconds: undefined },
        single: { pending: 1_000_000, ageSeconds: undefined },
      },
      worker: { concurrency: 2 },
      reindex: { keepMinutes: 60 },
      reconcile: { everyHours: 24 },
      search: { deadlineMs: 1_500 },
      recall: { deadlineMs: 1_000 },
      telemetry: { metricsHost: "127.0.0.1", metricsPort: 9464, logLevel: "info" },
    });
  });

  test("it is frozen, its parts too", () => {
    const config = load({ MEM0_API_KEY: "a" });
    expect([config, config.door, config.door.apiKeys, config.outbox].every((part) => Object.isFrozen(part))).toBe(true);
  });
});

describe("which value counts", () => {
  test.each([
    [{ MEM0_PORT: "1", PORT: "2" }, 1],
    [{ PORT: "2" }, 2],
    [{ MEM0_PORT: "", PORT: "2" }, 2],
    [{ MEM0_PORT: "  ", PORT: "" }, 3456],
    [{ MEM0_PORT: '"3456"' }, 3456],
  ])("port of %j", (env, port) => {
    expect(load(env).door.port).toBe(port);
  });

  test("MEM0_DATABASE_URL wins over DATABASE_URL", () => {
    const { truth } = load({ DATABASE_URL: "postgres://a/x", MEM0_DATABASE_URL: "postgres://b/x" });
    expect(truth).toMatchObject({ databaseUrl: "postgres://b/x", databaseVariable: "MEM0_DATABASE_URL" });
  });

  test("a provider's address without a key is a local server", () => {
    expect(load({ OPENAI_BASE_URL: "http://localhost:11434/v1" }).models.openaiApiKey).toBe("none");
  });

  test("several keys, several origins", () => {
    const { door } = load({
      MEM0_API_KEY: " one, two,,one ",
      CORS_ORIGINS: "https://App.example.com/,http://localhost:5173",
    });
    expect(door.apiKeys).toEqual(["one", "two"]);
    expect(door.corsOrigins).toEqual(["https://app.example.com", "http://localhost:5173"]);
  });

  test.each([
    ["1", true],
    ["true", true],
    ["0", false],
    ["off", false],
  ])("MEM0_ENABLED=%s", (value, enabled) => {
    expect(load({ MEM0_ENABLED: value }).enabled).toBe(enabled);
  });
});

describe(".env", () => {
  test("is read from the working directory", () => {
    writeFileSync(join(cwd, ".env"), '# keys\r\nexport MEM0_API_KEY="from-file"\r\nMEM0_PORT=4000 # mine\r\n');
    expect(load().door).toMatchObject({ apiKeys: ["from-file"], port: 4000 });
  });

  test("the real environment wins, unless it is empty", () => {
    writeFileSync(join(cwd, ".env"), "MEM0_PORT=4000\nMEM0_API_KEY=from-file\n");
    expect(load({ MEM0_PORT: "5000", MEM0_API_KEY: "" }).door).toMatchObject({ apiKeys: ["from-file"], port: 5000 });
  });

  test("a folder of that name is none", () => {
    mkdirSync(join(cwd, ".env"));
    expect(load().door.port).toBe(3456);
  });
});

describe("NAME_FILE", () => {
  test.each(["MEM0_API_KEY", "OPENAI_API_KEY", "QDRANT_API_KEY"])("%s_FILE holds the secret", (name) => {
    writeFileSync(join(cwd, "secret"), "from-file\n");
    const { door, models, vectors } = load({ [`${name}_FILE`]: "secret" });
    expect([door.apiKeys[0], models.openaiApiKey, vectors.qdrantApiKey]).toContain("from-file");
  });

  test.each(["DATABASE_URL", "MEM0_DATABASE_URL", "REDIS_URL", "QDRANT_URL"])("%s_FILE holds the address", (name) => {
    const scheme = name.includes("DATABASE") ? "postgres" : name === "REDIS_URL" ? "redis" : "http";
    writeFileSync(join(cwd, "secret"), `${scheme}://somewhere/x\r\n`);
    const { truth, queue, vectors } = load({ [`${name}_FILE`]: join(cwd, "secret") });
    expect([truth.databaseUrl, queue.redisUrl, vectors.qdrantUrl]).toContain(`${scheme}://somewhere/x`);
  });

  test("a file from the environment wins over a value in .env", () => {
    writeFileSync(join(cwd, ".env"), "MEM0_API_KEY=stale");
    writeFileSync(join(cwd, "secret"), "fresh");
    expect(load({ MEM0_API_KEY_FILE: "secret" }).door.apiKeys).toEqual(["fresh"]);
  });

  test("absent, empty, and both set are faults", () => {
    writeFileSync(join(cwd, "empty"), "\n");
    const faults = faultsOf({
      OPENAI_API_KEY_FILE: "nowhere",
      QDRANT_API_KEY_FILE: "empty",
      MEM0_API_KEY: "a",
      MEM0_API_KEY_FILE: "empty",
    });
    expect(faults.map((fault) => fault.variable)).toEqual([
      "MEM0_API_KEY",
      "QDRANT_API_KEY_FILE",
      "OPENAI_API_KEY_FILE",
    ]);
  });

  test("an empty one is no key of OpenAI's: offline, as with an empty value", () => {
    writeFileSync(join(cwd, "empty"), "\n");
    expect(load({ OPENAI_API_KEY_FILE: "empty" }).models.openaiApiKey).toBeUndefined();
  });
});

describe("faults", () => {
  test("are told all at once, each with its variable, what is wrong and an example", () => {
    const faults = faultsOf({
      MEM0_PORT: "70000",
      DATABASE_URL: "postgres://u:hunter@2@db/x",
      QDRANT_URL: "localhost:6333",
      MEM0_COLLECTION_NAME: "my-memories",
      LOG_LEVEL: "loud",
      OUTBOX_HORIZON_SECONDS: "30",
      OUTBOX_LEASE_SECONDS: "60",
    });
    expect(faults.map((fault) => fault.variable).toSorted()).toEqual([
      "DATABASE_URL",
      "LOG_LEVEL",
      "MEM0_COLLECTION_NAME",
      "MEM0_PORT",
      "OUTBOX_HORIZON_SECONDS",
      "QDRANT_URL",
    ]);
    const message = new ConfigError(faults).message;
    expect(message).toContain('MEM0_PORT: is "70000", but must be a whole number from 0 to 65535');
    expect(message).toContain("for example: MEM0_PORT=3456");
    expect(message).toContain('"@" as %40');
    expect(message).not.toContain("hunter");
  });

  test.each([
    ["MEM0_PORT", "80a"],
    ["MEM0_PORT", "-1"],
    ["MEM0_PORT", "3456.5"],
    ["METRICS_PORT", "65536"],
    ["MEM0_HOST", "http://0.0.0.0"],
    ["MEM0_HOST", "localhost:3456"],
    ["MEM0_API_KEY", "two words"],
    ["CORS_ORIGINS", "app.example.com"],
    ["CORS_ORIGINS", "https://app.example.com/path"],
    ["DATABASE_URL", "mysql://db/x"],
    ["REDIS_URL", "http://redis:6379"],
    ["OPENAI_BASE_URL", "ollama"],
    ["MEM0_COLLECTION_NAME", "1st"],
    ["MEM0_COLLECTION_NAME", "memories"],
    ["MEM0_COLLECTION_NAME", 'x"; DROP TABLE memories; --'],
    ["MEM0_COLLECTION_NAME", "x".repeat(49)],
    ["DATABASE_POOL_SIZE", "0"],
    ["EMBEDDING_DIMENSIONS", "many"],
    ["MEM0_ENABLED", "maybe"],
  ])("%s=%s", (name, value) => {
    expect(faultsOf({ [name]: value }).map((fault) => fault.variable)).toEqual([name]);
  });

  test("an address that listens on IPv6 is fine", () => {
    expect(load({ MEM0_HOST: "::" }).door.host).toBe("::");
  });
});
