import { readFileSync } from "node:fs";
import { join } from "node:path";

const manifest = join(import.meta.dirname, "..", "package.json");

/** What `npm start` and the image start a service with, whoever starts it. */
export function serviceEnvironment(): Record<string, string> {
  const { config } = JSON.parse(readFileSync(manifest, "utf8")) as { config: { environment: Record<string, string> } };
  return config.environment;
}
