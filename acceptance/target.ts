/** One process of the service under test. */
export interface TargetProcess {
  name: string;
  role: "all-in-one" | "api" | "worker";
  /** Absolute paths of the files that take its output. */
  stdout: string;
  stderr: string;
  /** Address of its Prometheus page on METRICS_PORT. */
  metricsUrl: string;
}

/** What the tests know of the service: where it answers, and with which keys. */
export interface Target {
  kind: "embedded" | "stack" | "supabase" | "running";
  /** Addresses of every API, without a slash at the end; never empty. */
  bases: string[];
  key: string;
  /** A second valid key; empty where only one is known. */
  secondKey: string;
  /** Empty for a service that somebody else started. */
  processes: TargetProcess[];
  /** The database for raw SQL; undefined where no client can reach it. */
  databaseUrl?: string;
  qdrantUrl?: string;
  /** The stand-in of the provider, whose counters can be asked. */
  openaiUrl?: string;
  /** MEM0_COLLECTION_NAME, which is also Qdrant's alias. */
  collection?: string;
}

/** The variable through which the global setup hands the target to the tests, as JSON. */
export const targetVariable = "ENGRAM_ACCEPTANCE_TARGET";

/** The target of this run. */
export const target: Target = readTarget();

function readTarget(): Target {
  const text = process.env[targetVariable];
  // Empty while the global setup itself loads this module.
  if (text === undefined) return { kind: "running", bases: [], key: "", secondKey: "", processes: [] };
  return JSON.parse(text) as Target;
}
