import type { Config } from "@engram/config";
import { chooseSockets } from "./open-sockets.ts";

/** Where vectors may lie, in the guide's words. */
export const BACKENDS = ["supabase-pgvector", "pgvector", "qdrant", "embedded"] as const;
export type Backend = (typeof BACKENDS)[number];

const SUPABASE_HOST = /\.supabase\.(co|com|net)$/;

/** Where the vectors lie. */
export function backendOf(config: Config): Backend {
  const chosen = chooseSockets(config);
  if (chosen.vectors === "qdrant") return "qdrant";
  const { databaseUrl } = config.truth;
  if (databaseUrl === undefined) return "embedded";
  return SUPABASE_HOST.test(new URL(databaseUrl).hostname) ? "supabase-pgvector" : "pgvector";
}
